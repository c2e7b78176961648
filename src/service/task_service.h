// What the service does for its users, without any transport: REST, gRPC and tests call the same functions.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "service/dispatcher.h"
#include "service/event_feed.h"
#include "service/log_feed.h"
#include "service/node_table.h"
#include "service/workspace.h"
#include "store/task_store.h"
#include "tasks/task_progress.h"
#include "tasks/task_spec.h"
#include "tasks/task_spec_codec.h"

namespace ns {

// A task as users see it.
struct TaskView {
  TaskRecord record;
  TaskProgress progress;
  int64_t ahead = -1;  // pending tasks before it; -1: it does not wait
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
  // `upload_path`: the folder below which models and data sets lie. References outlive the service.
  TaskService(const Workspace& workspace, std::filesystem::path upload_path, TaskStore& store, Dispatcher& dispatcher, NodeTable& nodes,
              const Clock& clock);

  // `done` comes on another thread when the task is durably accepted, or at once with what is wrong. Unavailable (DRAINING) while stopping.
  void Submit(const TaskSpec& spec, std::function<void(SubmitOutcome)> done);

  // NotFound (UNKNOWN_TASK), here and below.
  Result<TaskView> GetTask(const std::string& id) const;
  Result<std::vector<TaskRecord>> List(const ListOptions& options) const;
  // The log's file; it may not be there yet.
  Result<std::filesystem::path> Log(const std::string& id) const;
  // The zip of a task that is done, made at the first call. FailedPrecondition (NOT_DONE).
  Result<std::filesystem::path> Download(const std::string& id);
  // report.json of a task that is done. FailedPrecondition (NOT_DONE).
  Result<std::filesystem::path> ReportFile(const std::string& id) const;
  // The baseline first; also while it runs.
  Result<std::vector<TrialEvent>> Trials(const std::string& id) const;
  // At most `limit` events with a seq larger than `after`. A follower subscribes to events() first, then reads until a page is empty, waits
  // for the wake-up and reads again from the last seq it saw, until `ended`.
  Result<EventPage> Events(const std::string& id, uint64_t after, int limit) const;
  // Wakes when a task has new events that Events() can read.
  EventFeed& events() { return *events_; }
  // Wakes when a task's log was written to.
  LogFeed& logs() { return logs_; }
  // recipe.json of a task that is done: the same model again without tuning. FailedPrecondition (NOT_DONE).
  Result<std::filesystem::path> RecipeFile(const std::string& id) const;
  // `done` comes when the cancellation is durable and the worker was told. FailedPrecondition (ALREADY_ENDED).
  void Cancel(const std::string& id, std::function<void(Status)> done);

  std::vector<NodeView> Cluster() const { return nodes_.Nodes(); }
  // A hostfile's text; see NodeTable for the errors of both, which wait for the store.
  Status JoinNodes(std::string_view hostfile) { return nodes_.Join(hostfile); }
  Status RemoveNode(int64_t id) { return nodes_.Remove(id); }

  // From now on submissions are refused.
  void StopAccepting() { accepting_ = false; }
  bool accepting() const { return accepting_; }

 private:
  Result<TaskProgress> StoredProgress(const std::string& id) const;
  std::shared_ptr<std::mutex> ZipMutex(const std::string& id);
  Result<TaskRecord> DoneTask(const std::string& id) const;

  const Workspace& workspace_;
  const std::filesystem::path upload_path_;
  TaskStore& store_;
  Dispatcher& dispatcher_;
  NodeTable& nodes_;
  const Clock& clock_;
  const std::shared_ptr<EventFeed> events_ = std::make_shared<EventFeed>();  // the store's thread uses it, too
  LogFeed logs_;
  std::atomic<bool> accepting_{true};
  std::mutex zips_mutex_;                                   // over the next
  std::map<std::string, std::weak_ptr<std::mutex>> zips_;  // by task: one call makes its zip, the others wait
};

}  // namespace ns
