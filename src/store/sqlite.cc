#include "store/sqlite.h"

#include <sqlite3.h>

namespace ns {

namespace {
constexpr int kBusyTimeout = 10'000;  // milliseconds
}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_, next_++, value);
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  sqlite3_bind_text64(statement_, next_++, text.data() != nullptr ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindNull() {
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

Result<bool> Statement::Step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->LastError(sqlite3_sql(statement_));
}

Status Statement::Run() { return Step().status(); }

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  int size = sqlite3_column_bytes(statement_, column);
  return text == nullptr ? "" : std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
}

std::optional<int64_t> Statement::OptionalInt(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return Int(column);
}

Result<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& path, bool read_only) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_NOMUTEX | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));  // closes the handle in every case
  if (code != SQLITE_OK) return database->LastError("open");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeout);
  if (!read_only) {
    NS_RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"));
  }
  return database;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return LastError(sql);
    known = statements_.emplace(sql, statement).first;
  }
  return Statement(*this, known->second);
}

Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return LastError(sql);
  return OkStatus();
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }
int64_t Database::total_changes() const { return sqlite3_total_changes64(handle_); }

void Database::CountLogPages() {
  auto count = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Database*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, count, this);  // it takes the place of SQLite's own checkpoints
}

Status Database::Checkpoint(bool start_over) {
  sqlite3_busy_timeout(handle_, 0);  // a reader may stay for minutes
  int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, start_over ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  sqlite3_busy_timeout(handle_, kBusyTimeout);
  if (code == SQLITE_OK || code == SQLITE_BUSY) return OkStatus();  // busy: another one copies, or a reader stays
  return LastError("checkpoint");
}

void Database::Interrupt() { sqlite3_interrupt(handle_); }

int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Status Database::LastError(std::string_view what) const {
  int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(handle_) & 0xFF;
  // Clients read it, so it does not say where the store is.
  std::string message = fmt::format("the store: {}", handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_));
  switch (code) {
    case SQLITE_FULL: return ResourceExhausted(message + "; free some space on its disk", "DISK_FULL");
    case SQLITE_IOERR: {
      int error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
      if (error == 28 /* ENOSPC */ || error == 122 /* EDQUOT */) return ResourceExhausted(message + "; free some space on its disk", "DISK_FULL");
      return Unavailable(message, "STORE_IO_ERROR");
    }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Status(StatusCode::kDataLoss, message, "STORE_DAMAGED");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Unavailable(message, "STORE_BUSY");
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:  // no file descriptors left, for one
    case SQLITE_PERM:
    case SQLITE_READONLY: return Unavailable(message, "STORE_UNAVAILABLE");
    default: return Internal(fmt::format("{} ({})", message, what.substr(0, 80)), "STORE_ERROR");
  }
}

}  // namespace ns
