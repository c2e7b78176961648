// SQLite behind Status. Private to store/. Thread-compatible: one thread at a time per Database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ns {

class Database;

// A prepared statement in use: bind all parameters, then Step() for rows or Run() for none. Reset when it goes.
class Statement {
 public:
  explicit Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  ~Statement();
  Statement(Statement&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}
  Statement& operator=(Statement&&) = delete;

  // Binds the next parameter.
  Statement& Bind(int64_t value);
  Statement& Bind(std::string_view text);
  Statement& BindNull();
  Statement& Bind(const std::optional<int64_t>& value) { return value ? Bind(*value) : BindNull(); }
  // "" is bound as NULL.
  Statement& BindText(std::string_view text) { return text.empty() ? BindNull() : Bind(text); }

  // True: a row is there to be read.
  Result<bool> Step();
  // For statements without rows.
  Status Run();

  int64_t Int(int column) const;
  std::string Text(int column) const;  // "" for NULL
  std::optional<int64_t> OptionalInt(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* statement_;
  int next_ = 1;
};

class Database {
 public:
  // WAL, synchronous=FULL, foreign keys on. `read_only` never writes.
  static Result<std::unique_ptr<Database>> Open(const std::filesystem::path& path, bool read_only);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Prepared once for each text.
  Result<Statement> Prepare(std::string_view sql);
  // Statements without parameters and rows, ';' between them.
  Status Execute(const std::string& sql);
  // Rows changed by the last statement.
  int64_t changes() const;
  int64_t last_row_id() const;
  // Rows changed since it was opened, those of undone statements too.
  int64_t total_changes() const;
  // From now on SQLite doesn't copy the log by itself; log_pages() tells how long it was at the last commit.
  void CountLogPages();
  int log_pages() const { return log_pages_; }
  // Copies committed pages of the log into the file, as far as no reader is in the way; waits for nobody. `start_over`: if all could be copied,
  // the log begins anew at the next commit.
  Status Checkpoint(bool start_over);
  // Ends the query that runs, from any thread.
  void Interrupt();
  const std::filesystem::path& path() const { return path_; }
  // False after SQLite rolled a transaction back by itself.
  bool in_transaction() const;
  // The last error as a Status: a full disk is ResourceExhausted (DISK_FULL), a damaged file DataLoss (STORE_DAMAGED); what the machine does not
  // let us do now is Unavailable (STORE_UNAVAILABLE, STORE_BUSY, STORE_IO_ERROR), and the rest Internal (STORE_ERROR), with the statement.
  Status LastError(std::string_view what) const;

 private:
  Database(std::filesystem::path path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  std::filesystem::path path_;
  sqlite3* handle_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
  int log_pages_ = 0;
};

// While it lives, queries of this connection see one state of the store, and the log's locks are taken once for all of them.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database) : database_(database) { (void)Run("BEGIN"); }
  ~ReadTransaction() { (void)Run("COMMIT"); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Status Run(std::string_view sql) {
    NS_ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
    return statement.Run();
  }

  Database& database_;
};

}  // namespace ns
