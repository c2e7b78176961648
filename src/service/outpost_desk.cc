#include "service/outpost_desk.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

#include "base/file.h"
#include "base/replace_file.h"
#include "base/tree.h"
#include "service/task_service.h"
#include "tasks/cache_folder.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_event.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSessionFileName = "outpost_session";
constexpr const char* kLogSentFileName = "outpost_log";  // "SESSION BYTES": what of its output is in the task's log
constexpr const char* kArrivedFolderName = "arrived";    // of a task's folder: folders that are not complete yet
constexpr auto kForgotten = std::chrono::hours(24);      // what nobody came back for
constexpr size_t kMostGiven = 4096;
constexpr uint64_t kMaxEventBytes = 64 << 20;            // as much as is read of them (executors/event_tail.h)

Status BadToken() { return Status(StatusCode::kUnauthenticated, "this is not the token of an outpost of that task", "BAD_TOKEN"); }
Status GivenUp() { return FailedPrecondition("this start of the worker was given up", "GIVEN_UP"); }

bool Same(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

bool IsHexWord(std::string_view text, size_t size) { return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

bool IsCurrent(const fs::path& folder, int fence) {
  auto text = ReadFile(folder / kStepPlanFileName, 16 << 20);
  auto plan = text.ok() ? ParseStepPlan(*text) : Result<StepPlan>(text.status());
  return plan.ok() && plan->attempt == fence;
}

bool HasEnded(const fs::path& folder, int fence) {
  auto text = ReadFile(folder / kExitStatusFileName, 64 << 10);
  auto record = text.ok() ? ParseExitRecord(*text) : Result<ExitRecord>(text.status());
  return record.ok() && record->attempt == fence;
}

// The time of a supervisor's lock is its sign of life (executors/supervisor.h).
void GiveSignOfLife(const fs::path& folder) {
  fs::path file = folder / "supervisor.lock";
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.valid()) (void)::futimens(lock.get(), nullptr);
}

std::string FileOwnerOf(const OutpostCaller& caller) { return "outpost " + caller.worker.task_id; }

// The number of the last whole line.
uint64_t LastSeq(const fs::path& file) {
  std::string text = ReadFile(file, kMaxEventBytes).value_or("");
  size_t end = text.rfind('\n');
  if (end == std::string::npos) return 0;
  size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  size_t begin = before == std::string::npos ? 0 : before + 1;
  auto event = ParseTaskEvent(std::string_view(text).substr(begin, end - begin));
  return event.ok() ? event->seq : 0;
}

Status Append(int fd, std::string_view bytes, const fs::path& name) {
  off_t before = ::lseek(fd, 0, SEEK_END);
  Status written = WriteAll(fd, bytes, name);
  if (!written.ok() && before >= 0) (void)!::ftruncate(fd, before);  // the rest of a piece would be taken for the next
  return written;
}

}  // namespace

Result<std::unique_ptr<OutpostDesk>> OutpostDesk::Open(const Options& options, const Workspace& workspace, const Clock& clock) {
  FileStore::Options store;
  store.folder = workspace.arrivals();
  store.max_bytes = options.max_file_bytes;
  NS_ASSIGN_OR_RETURN(auto files, FileStore::Open(store, clock));
  files->Sweep(kForgotten, [](const fs::path&) { return false; });
  return std::unique_ptr<OutpostDesk>(new OutpostDesk(workspace, std::move(files)));
}

Result<fs::path> OutpostDesk::FolderOf(const OutpostCaller& caller) const {
  const auto& [task, worker, fence] = caller.worker;
  if (!IsTaskId(task) || worker < 0 || fence < 1 || !IsHexWord(caller.session, 32)) return BadToken();
  const fs::path task_folder = workspace_.task_folder(task);
  auto token = ReadFile(task_folder / kOutpostTokenFileName, 4096);
  if (!token.ok() || token->empty() || !Same(*token, caller.token)) return BadToken();
  fs::path folder = WorkerFolder(task_folder, worker);
  if (!IsCurrent(folder, fence)) return GivenUp();
  return folder;
}

Result<fs::path> OutpostDesk::Check(const OutpostCaller& caller) const {
  NS_ASSIGN_OR_RETURN(fs::path folder, FolderOf(caller));
  if (ReadFile(folder / kSessionFileName, 4096).value_or("") != caller.session) return GivenUp();
  if (HasEnded(folder, caller.worker.fence)) return FailedPrecondition("this worker has ended", "ENDED");
  GiveSignOfLife(folder);
  return folder;
}

Result<fs::path> OutpostDesk::CheckLead(const OutpostCaller& caller) const {
  if (!caller.worker.lead()) return Status(StatusCode::kPermissionDenied, "only a task's lead brings this", "NOT_THE_LEAD");
  return Check(caller);
}

Result<OutpostOrder> OutpostDesk::Begin(const OutpostCaller& caller) {
  NS_ASSIGN_OR_RETURN(fs::path folder, FolderOf(caller));
  OutpostOrder order;
  order.ended = HasEnded(folder, caller.worker.fence);
  if (order.ended) return order;
  NS_RETURN_IF_ERROR(ReplaceFile(folder / kSessionFileName, caller.session));
  GiveSignOfLife(folder);
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(folder / kOutpostFileName, 16 << 20));
  NS_ASSIGN_OR_RETURN(auto inputs, ParseOutpostInputs(text));
  NS_ASSIGN_OR_RETURN(auto files, GatherInputs(inputs, digests_));
  std::map<std::string, fs::path> given;
  for (GivenFile& file : files) {
    given.emplace(file.file.sha256, file.source);
    order.files.push_back(std::move(file.file));
  }
  std::lock_guard lock(given_mutex_);
  std::erase_if(given_, [&](const auto& entry) { return entry.first.task_id == caller.worker.task_id && entry.first.worker == caller.worker.worker; });
  if (given_.size() >= kMostGiven) given_.clear();  // those who are not done begin again
  given_[caller.worker] = std::move(given);
  return order;
}

Result<fs::path> OutpostDesk::File(const OutpostCaller& caller, const std::string& sha256) {
  NS_RETURN_IF_ERROR(Check(caller).status());
  std::lock_guard lock(given_mutex_);
  auto worker = given_.find(caller.worker);
  if (worker != given_.end()) {
    auto file = worker->second.find(sha256);
    if (file != worker->second.end()) return file->second;
  }
  return NotFound("this worker was told of no such file", "UNKNOWN_FILE");
}

Result<uint64_t> OutpostDesk::TakeLog(const OutpostCaller& caller, uint64_t from, std::string_view bytes) {
  std::lock_guard lock(MutexOf(caller.worker.task_id));
  NS_ASSIGN_OR_RETURN(fs::path folder, Check(caller));
  std::istringstream sent(ReadFile(folder / kLogSentFileName, 4096).value_or(""));
  std::string session;
  uint64_t there = 0;
  if (!(sent >> session >> there) || session != caller.session) there = 0;
  if (from > there || from + bytes.size() <= there) return there;
  bytes.remove_prefix(there - from);
  fs::path log = workspace_.task_log(caller.worker.task_id);
  FileDescriptor file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", log.string()));
  NS_RETURN_IF_ERROR(Append(file.get(), bytes, log));
  NS_RETURN_IF_ERROR(ReplaceFile(folder / kLogSentFileName, fmt::format("{} {}\n", caller.session, there + bytes.size())));
  return there + bytes.size();
}

Result<uint64_t> OutpostDesk::TakeEvents(const OutpostCaller& caller, std::string_view lines) {
  std::lock_guard lock(MutexOf(caller.worker.task_id));
  // Opened before it is looked whose turn it is: the next attempt's file is another.
  fs::path path = workspace_.task_folder(IsTaskId(caller.worker.task_id) ? caller.worker.task_id : "-") / kEventsFileName;
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  NS_RETURN_IF_ERROR(CheckLead(caller).status());
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  uint64_t last = LastSeq(path);
  std::string fresh;
  for (size_t begin = 0, end; (end = lines.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    auto event = ParseTaskEvent(lines.substr(begin, end - begin));
    if (!event.ok() || event->seq <= last) continue;
    last = event->seq;
    fresh += lines.substr(begin, end - begin + 1);
  }
  struct stat info {};
  if (fresh.empty() || ::fstat(file.get(), &info) != 0) return last;
  if (static_cast<uint64_t>(info.st_size) + fresh.size() > kMaxEventBytes) return last;  // it is not read any further either
  NS_RETURN_IF_ERROR(Append(file.get(), fresh, path));
  return last;
}

Status OutpostDesk::TakeCacheEntry(const OutpostCaller& caller, const std::string& name, std::string_view content) {
  NS_ASSIGN_OR_RETURN(fs::path folder, CheckLead(caller));
  if (!IsCacheEntryName(name) || content.size() > kMaxCacheEntryBytes) return InvalidArgument("no entry of a tuning cache", "BAD_ENTRY");
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  if (task.cache_folder.empty()) return OkStatus();
  std::lock_guard lock(MutexOf(caller.worker.task_id));
  fs::path arrived = folder / kArrivedFolderName / kNodeCacheFolderName;
  std::error_code error;
  fs::create_directories(arrived, error);
  NS_RETURN_IF_ERROR(WriteFileAtomic(arrived / name, content));
  NS_RETURN_IF_ERROR(MoveCacheEntries(arrived, task.cache_folder));
  return SyncFolder(task.cache_folder);
}

Result<OutpostBeat> OutpostDesk::TakeBeat(const OutpostCaller& caller, const OutpostBeat& beat) {
  NS_ASSIGN_OR_RETURN(fs::path folder, Check(caller));
  if (!beat.pids.empty()) {
    NS_RETURN_IF_ERROR(ParseWorkerPids(beat.pids).status());
    if (ReadFile(folder / kPidFileName, 64 << 10).value_or("") != beat.pids) NS_RETURN_IF_ERROR(ReplaceFile(folder / kPidFileName, beat.pids));
  }
  fs::path address = TeamAddressFile(workspace_.task_folder(caller.worker.task_id));
  OutpostBeat answer;
  answer.address = ReadFile(address, 64 << 10).value_or("");
  if (caller.worker.lead() && !beat.address.empty() && beat.address != answer.address && beat.address.size() <= 4096) {
    NS_RETURN_IF_ERROR(ReplaceFile(address, beat.address));
    answer.address = beat.address;
  }
  return answer;
}

Result<std::unique_ptr<Upload>> OutpostDesk::BeginUpload(const OutpostCaller& caller, UploadRequest request) {
  NS_RETURN_IF_ERROR(CheckLead(caller).status());
  if (!IsHexWord(request.name, 64) || request.sha256 != request.name) return InvalidArgument("a file is named by its SHA-256", "BAD_TARGET");
  request.owner = FileOwnerOf(caller);
  return files_->Begin(request);
}

Result<PartialFile> OutpostDesk::Part(const OutpostCaller& caller, const std::string& sha256) {
  NS_RETURN_IF_ERROR(CheckLead(caller).status());
  return files_->Part(FileOwnerOf(caller), sha256);
}

Result<StoredFile> OutpostDesk::Stored(const OutpostCaller& caller, const std::string& sha256) {
  NS_RETURN_IF_ERROR(CheckLead(caller).status());
  return files_->Get(FileOwnerOf(caller), sha256);
}

Status OutpostDesk::TakeFolder(const OutpostCaller& caller, const std::string& name, const std::vector<OutpostFile>& files) {
  NS_ASSIGN_OR_RETURN(fs::path folder, CheckLead(caller));
  if (name != kResultFolderName && name != kInputsFolderName) return InvalidArgument("no folder that a worker brings", "BAD_TARGET");
  std::lock_guard lock(MutexOf(caller.worker.task_id));
  fs::path arrived = folder / kArrivedFolderName / name;
  NS_RETURN_IF_ERROR(RemoveTree(arrived));
  std::error_code error;
  fs::create_directories(arrived, error);
  for (const OutpostFile& file : files) {
    if (!IsSafeTarget(file.target)) return InvalidArgument(fmt::format("'{}' leads out of its folder", file.target), "BAD_TARGET");
    NS_ASSIGN_OR_RETURN(StoredFile stored, files_->Get(FileOwnerOf(caller), file.sha256));
    fs::path target = arrived / file.target;
    fs::create_directories(target.parent_path(), error);
    if (!error) fs::create_hard_link(stored.path, target, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", target.string()));
    (void)::chmod(target.c_str(), 0644);
  }
  NS_RETURN_IF_ERROR(RemoveTree(folder / name));
  fs::rename(arrived, folder / name, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", (folder / name).string()));
  for (const OutpostFile& file : files) (void)files_->Remove(FileOwnerOf(caller), file.sha256);
  return SyncFolder(folder);
}

Status OutpostDesk::TakeEnd(const OutpostCaller& caller, std::string_view exit_status) {
  NS_ASSIGN_OR_RETURN(ExitRecord record, ParseExitRecord(exit_status));
  std::lock_guard lock(MutexOf(caller.worker.task_id));
  NS_ASSIGN_OR_RETURN(fs::path folder, Check(caller));
  if (record.attempt != caller.worker.fence) return GivenUp();
  NS_RETURN_IF_ERROR(RemoveTree(folder / kArrivedFolderName));
  NS_RETURN_IF_ERROR(ReplaceFile(folder / kExitStatusFileName, ExitRecordToJson(record)));
  std::lock_guard given(given_mutex_);
  given_.erase(caller.worker);
  return OkStatus();
}

}  // namespace ns
