// What the service does for its users, without any transport: REST, gRPC and tests call the same functions.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "service/audit_log.h"
#include "service/dispatcher.h"
#include "service/progress_cache.h"
#include "service/event_feed.h"
#include "service/log_feed.h"
#include "service/node_table.h"
#include "service/resolve_inputs.h"
#include "service/workspace.h"
#include "service/zip_maker.h"
#include "store/task_store.h"
#include "tasks/caller.h"
#include "tasks/task_progress.h"
#include "tasks/task_spec.h"
#include "tasks/task_spec_codec.h"

namespace ns {

// A task as users see it.
struct TaskView {
  TaskRecord record;
  TaskProgress progress;
  int64_t ahead = -1;  // pending tasks before it; -1: it does not wait
  std::optional<WaitReason> waits;       // of a pending task
  std::optional<WorkersOf> workers;      // of a running task
  std::map<int, WorkerWhere> where;      // ... by worker, of those that are not on this machine
  bool has_result = false;               // it can be downloaded: done, or stopped with the best so far kept
};

// A piece of a task's event log.
struct EventPage {
  std::vector<TaskEvent> events;
  bool ended = false;  // the task has ended and these are its last events: a follower may go
};

// How a submission ended: a task id, wrong fields, or a status.
struct SubmitOutcome {
  std::string task_id;
  std::vector<FieldError> errors;
  Status status;
};

// 32 hex digits of a UUID, as the original checks them.
bool IsTaskId(std::string_view text);
// 32 lower-case hex digits of a new version-4 UUID.
std::string NewTaskId();

// Thread-safe.
class TaskService {
 public:
  // `sources`: where models and data sets come from. References outlive the service.
  TaskService(const Workspace& workspace, InputSources sources, TaskStore& store, Dispatcher& dispatcher, NodeTable& nodes,
              const Clock& clock, AuditLog* audit = nullptr);

  // `done` comes on another thread when the task is durably accepted, or at once with what is wrong. Unavailable (DRAINING) while stopping;
  // PermissionDenied (READ_ONLY_TOKEN), here and in all that changes something.
  void Submit(const Caller& caller, const TaskSpec& spec, std::function<void(SubmitOutcome)> done);

  // NotFound (UNKNOWN_TASK), here and below, also for a task that the caller may not see.
  Result<TaskView> GetTask(const Caller& caller, const std::string& id) const;
  // The same for a task that was asked for a moment ago; none: ask GetTask(). Never waits for the store.
  std::optional<TaskView> GetTaskFromMemory(const Caller& caller, const std::string& id) const;
  // Those of `options` that the caller may see.
  Result<std::vector<TaskRecord>> List(const Caller& caller, ListOptions options) const;
  // The log's file; it may not be there yet.
  Result<std::filesystem::path> Log(const Caller& caller, const std::string& id) const;
  // The zip of a task that is done, made at the first call; `trial`: of that model of its Pareto set. `done` comes at once, or on another thread
  // when it is made. FailedPrecondition (NOT_DONE); NotFound (NO_SUCH_POINT; NO_MODEL: it was not made, with what makes it); Unavailable (DRAINING)
  // after EndDownloads().
  void Download(const Caller& caller, const std::string& id, std::optional<int> trial, std::function<void(Result<std::filesystem::path>)> done);
  // report.json of a task that is done. FailedPrecondition (NOT_DONE).
  Result<std::filesystem::path> ReportFile(const Caller& caller, const std::string& id) const;
  // The baseline first; also while it runs.
  Result<std::vector<TrialEvent>> Trials(const Caller& caller, const std::string& id) const;
  // At most `limit` events with a seq larger than `after`. A follower subscribes to events() first, then reads until a page is empty, waits
  // for the wake-up and reads again from the last seq it saw, until `ended`.
  Result<EventPage> Events(const Caller& caller, const std::string& id, uint64_t after, int limit) const;
  // Wakes when a task has new events that Events() can read.
  EventFeed& events() { return *events_; }
  // Wakes when a task's log was written to.
  LogFeed& logs() { return logs_; }
  // recipe.json of a task that is done: the same model again without tuning; `trial`: that of the Pareto set. FailedPrecondition (NOT_DONE);
  // NotFound (NO_SUCH_POINT).
  Result<std::filesystem::path> RecipeFile(const Caller& caller, const std::string& id, std::optional<int> trial = std::nullopt) const;
  // `done` comes when the cancellation is durable and the worker was told. FailedPrecondition (ALREADY_ENDED).
  void Cancel(const Caller& caller, const std::string& id, std::function<void(Status)> done);

  std::vector<NodeView> Cluster() const { return nodes_.Nodes(); }
  // A hostfile's text; see NodeTable for the errors of both, which wait for the store.
  // PermissionDenied (NEEDS_ADMIN).
  Status JoinNodes(const Caller& caller, std::string_view hostfile);
  Status RemoveNode(const Caller& caller, int64_t id);

  // Uploads: errors as FileStore has them, and PermissionDenied (READ_ONLY_TOKEN), Unavailable (DRAINING). The file is the caller's.
  Result<std::unique_ptr<Upload>> BeginUpload(const Caller& caller, UploadRequest request);
  // By id, SHA-256 or name; NotFound (UNKNOWN_FILE), here and below.
  Result<StoredFile> GetFile(const Caller& caller, const std::string& name) const;
  // What has arrived under this name.
  Result<PartialFile> GetPart(const Caller& caller, const std::string& name) const;
  Result<std::vector<StoredFile>> Files(const Caller& caller) const;
  // FailedPrecondition (FILE_IN_USE) while a task that has not ended needs it. `name`: an id, a SHA-256, or the name of an upload of which only
  // a part is there.
  Status RemoveFile(const Caller& caller, const std::string& name);

  // From now on submissions are refused.
  void StopAccepting() { accepting_ = false; }
  bool accepting() const { return accepting_; }
  // Zips that are being made are given up, and no more are made: nothing of a download comes later. Before the store and the servers go.
  void EndDownloads() { zips_.Stop(); }
  // While true, it is not ready: it takes up what an earlier service left.
  void SetRecovering(bool recovering) { recovering_ = recovering; }

  // `done`, maybe on another thread, with OK when tasks are accepted and can be stored, which it tries when that is not known; Unavailable
  // (RECOVERING, DRAINING), ResourceExhausted (DISK_FULL), DataLoss (STORE_DAMAGED) and the like.
  void CheckReady(std::function<void(Status)> done);

 private:
  // What changed something, and who did it. Nothing where there is no audit log.
  void Audit(const Caller& caller, std::string_view action, std::string_view object, const Status& outcome) const;
  Status DoRemoveFile(const Caller& caller, const std::string& name);
  void DoCancel(const Caller& caller, const std::string& id, std::function<void(Status)> done);
  bool Complete(std::optional<TaskProgress> running, TaskView* view) const;
  Result<TaskProgress> ProgressOf(const TaskRecord& task) const;
  Result<std::filesystem::path> ParetoFolder(const std::string& id, int trial) const;
  struct ZipPlace {
    std::filesystem::path folder, zip;
  };
  Result<ZipPlace> ZipOf(const std::string& id, std::optional<int> trial) const;
  // The task, if the caller may see it.
  Result<TaskRecord> Visible(const Caller& caller, const std::string& id) const;
  bool HasResult(const TaskRecord& task) const;
  Result<TaskRecord> TaskWithResult(const Caller& caller, const std::string& id) const;

  const Workspace& workspace_;
  const InputSources sources_;
  TaskStore& store_;
  Dispatcher& dispatcher_;
  NodeTable& nodes_;
  const Clock& clock_;
  const std::shared_ptr<EventFeed> events_ = std::make_shared<EventFeed>();  // the store's thread uses it, too
  LogFeed logs_;
  AuditLog* const audit_;
  std::atomic<bool> accepting_{true};
  std::atomic<bool> recovering_{false};
  mutable ProgressCache progress_{6'000};
  ZipMaker zips_;  // its threads use the rest
};

}  // namespace ns
