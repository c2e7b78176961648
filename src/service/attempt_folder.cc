#include "service/attempt_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "base/tree.h"
#include "service/pending_task.h"
#include "tasks/cache_folder.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"
#include "tasks/task_spec_codec.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

Status MakeEmptyFile(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  return file.valid() ? OkStatus() : ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
}

// The worker builds its result in `.result.XXXXXX` beside `result` and renames it.
void RemoveScratchOf(const fs::path& folder) {
  std::error_code ignored;
  fs::path work = folder / kWorkFolderName;
  (void)RemoveTree(work / kScratchFolderName);
  std::vector<fs::path> unfinished;
  std::string prefix = fmt::format(".{}.", kResultFolderName);
  for (fs::directory_iterator at(work, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().starts_with(prefix)) unfinished.push_back(at->path());
  }
  for (const fs::path& path : unfinished) (void)RemoveTree(path);
}

Status ClearFolder(const fs::path& folder, int attempt) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder.string()));
  if (attempt > 1) {
    std::error_code ignored;  // not there when the earlier attempt never started
    fs::rename(folder / kEventsFileName, folder / fmt::format("events.{}.jsonl", attempt - 1), ignored);
  }
  RemoveScratchOf(folder);
  for (const char* name : {kExitStatusFileName, kPidFileName, kStepPlanFileName}) fs::remove(folder / name, error);
  for (const fs::path& result : {folder / kResultFolderName, folder / kWorkFolderName / kResultFolderName}) NS_RETURN_IF_ERROR(RemoveTree(result));
  return OkStatus();
}

// What lead and assistants share. The token stays what it is for as long as the task runs: assistants outlive a lead.
Status MakeTeam(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(TeamFolder(folder), error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", TeamFolder(folder).string()));
  for (const fs::path& path : {LeadSocket(folder), TeamAddressFile(folder)}) fs::remove(path, error);
  constexpr size_t kTokenBytes = 32;
  if (fs::file_size(TeamTokenFile(folder), error) == 2 * kTokenBytes) return OkStatus();
  FileDescriptor file(::open(TeamTokenFile(folder).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", TeamTokenFile(folder).string()));
  return WriteAll(file.get(), RandomHex(kTokenBytes), TeamTokenFile(folder));
}

void TellInLog(const Workspace& workspace, const TaskRecord& task, const TaskSpec& spec, int attempt) {
  if (attempt > 1) return;
  if (spec.approach_was_ipex) AppendToTaskLog(workspace, task.id, "warning: approach static_ipex is taken as static");
  if (spec.workers > 1 && !spec.script_url.empty()) {
    AppendToTaskLog(workspace, task.id, fmt::format("warning: {} workers were asked for; a script runs on one", spec.workers));
  }
}

}  // namespace

void RemoveScratch(const Workspace& workspace, const std::string& id) { RemoveScratchOf(workspace.task_folder(id)); }

void AppendToTaskLog(const Workspace& workspace, const std::string& id, std::string_view line) {
  fs::path path = workspace.task_log(id);
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  Status status = file.valid() ? WriteAll(file.get(), fmt::format("neural_solution: {}\n", line), path)
                               : ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  if (!status.ok()) LogWarning("{}", status.message());
}

Status PrepareAttempt(const Workspace& workspace, const TaskRecord& task, const WorkerPlace& place) {
  ParsedTaskSpec parsed = ParseTaskSpec(task.spec_json);
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) {
    return FailedPrecondition(fmt::format("the stored request is not one of this version: {}", FieldErrorsToText(*errors)), "BAD_SPEC");
  }
  const int attempt = place.id.fence;
  const TaskSpec& spec = std::get<TaskSpec>(parsed);
  TaskFile file;
  if (spec.script_url.empty()) {
    // Its own next attempt goes on from what was found out in any case.
    file.cache_folder = spec.tuning.cache ? workspace.tuning_cache(task.owner) : place.folder / kJournalFolderName;
    // An attempt whose supervisor was killed has left it where it was made.
    Status kept = MoveCacheEntries(place.folder / kWorkFolderName / kCacheFolderName, file.cache_folder);
    if (!kept.ok()) LogWarning("{}", kept.message());
  }
  NS_RETURN_IF_ERROR(ClearFolder(place.folder, attempt));
  file.task_id = task.id;
  file.attempt = attempt;
  file.cores = place.cores;
  file.model_path = task.model_path;
  file.dataset_path = task.dataset_path;
  file.calibration_path = task.calibration_path;
  file.output_folder = place.folder / kWorkFolderName / kResultFolderName;
  file.events_file = place.folder / kEventsFileName;
  file.spec = std::get<TaskSpec>(std::move(parsed));
  if (!file.spec.script_url.empty()) file.script_path = std::exchange(file.model_path, {});
  file.deadline = DeadlineOf(file.spec, task.submitted);
  NS_RETURN_IF_ERROR(MakeEmptyFile(file.events_file));
  if (HasTeam(file.spec)) NS_RETURN_IF_ERROR(MakeTeam(place.folder));
  TellInLog(workspace, task, file.spec, attempt);
  if (NeedsFetching(file)) {  // there before the fetch, whose sandbox lets it write there
    std::error_code error;
    fs::create_directories(place.folder / kInputsFolderName, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", (place.folder / kInputsFolderName).string()));
  }
  // Not synced: nobody reads it after a power cut. No worker outlives one, and the next attempt's is made from the store.
  return ReplaceFile(place.folder / kTaskFileName, TaskFileToJson(file));
}

Status WorkspaceFiles::Prepare(const TaskRecord& task, const WorkerPlace& lead) {
  return PrepareAttempt(workspace_, task, lead);
}

WorkerPlace WorkspaceFiles::PlaceOf(const WorkerId& id) const {
  return {id, workspace_.task_folder(id.task_id), workspace_.task_log(id.task_id)};
}

void WorkspaceFiles::RemoveScratch(const std::string& id) { ns::RemoveScratch(workspace_, id); }

void WorkspaceFiles::RemoveWorker(const WorkerId& assistant) {
  (void)RemoveTree(WorkerFolder(workspace_.task_folder(assistant.task_id), assistant.worker));
}

bool WorkspaceFiles::HasReport(const std::string& id) const {
  std::error_code ignored;
  return fs::exists(workspace_.result_folder(id) / "report.json", ignored);
}

void WorkspaceFiles::Log(const std::string& id, const std::string& line) { AppendToTaskLog(workspace_, id, line); }

AttemptEnd JudgeExit(const WorkerExit& exit, const TaskProgress& progress, bool has_report) {
  using Kind = AttemptEnd::Kind;
  if (exit.never_started) return {Kind::kNotStarted, "", ""};
  if (!exit.known) return {Kind::kLost, "WORKER_LOST", exit.message.empty() ? "the worker is gone, and its supervisor with it" : "the worker is gone: " + exit.message};
  if (!exit.reason.empty()) return {Kind::kFailed, exit.reason, exit.message};
  if (exit.exit.signal != 0) return {Kind::kLost, "WORKER_LOST", "the worker was ended by " + exit.exit.ToString()};
  int code = exit.exit.exit_code;
  if (code == 0 && progress.result && has_report) return {Kind::kDone, "", ""};
  if (code == 0) return {Kind::kFailed, "NO_RESULT", "the worker ended without a result; see the task's log"};
  if (code == 127) return {Kind::kFailed, "WORKER_NOT_RUN", "the worker program could not be run; see the task's log"};
  bool has_reason = code <= 2 || code == kDiskFullExitCode;
  if (has_reason && progress.failure) return {Kind::kFailed, progress.failure->reason, progress.failure->message};
  if (code == kDiskFullExitCode) return {Kind::kFailed, "DISK_FULL", "the disk is full; see the task's log"};
  return {Kind::kLost, "WORKER_FAILED", fmt::format("the worker ended with exit code {}; see the task's log", code)};
}

}  // namespace ns
