// Tasks, their attempts and their events, in SQLite.
//
// Writes are asynchronous: each is queued, one writer thread puts all that wait into one transaction, and `done` is called on that thread
// after the commit is durable (synced to disk), or with why it is not. Writes take effect in the order they were made. A disk without room
// fails the writes with ResourceExhausted (DISK_FULL) and changes nothing.
// Thread-safe. Reads see every write whose `done` was called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/answers.h"
#include "tasks/cluster.h"
#include "tasks/task_event.h"
#include "tasks/task_state.h"

namespace ns {

struct NewTask {
  std::string id;
  int priority = 2;
  std::string name;
  std::string spec_json;
  std::filesystem::path model_path, dataset_path, calibration_path;  // resolved; empty: none. Of a script task model_path is the script's
  std::string idempotency_key;                                       // "": none; one key space an owner
  std::string owner;                                                 // Caller::name
  std::string submitter;                                             // whose fair share it counts against
  WallTime submitted;
};

struct TaskRecord {
  int64_t order = 0;  // of submission, ascending
  std::string id;
  TaskState state = TaskState::kPending;
  int priority = 2;
  std::string name;
  std::string spec_json;
  std::filesystem::path model_path, dataset_path, calibration_path;
  WallTime submitted;
  std::optional<WallTime> started, ended;
  int attempt = 0;  // attempts started
  int lost = 0;     // of these, lost ones
  std::string reason, message;
  std::optional<ResultEvent> result;
  std::string owner, submitter;
};

// What Submit() made, or found under the same idempotency key.
struct SubmittedTask {
  std::string id;
  int64_t order = 0;
  bool existed = false;
};

// A webhook that is to be called now.
struct DueWebhook {
  std::string task_id;
  std::string url;
  int tries = 0;  // made already
};

struct OpenAttempt {
  std::string task_id;
  int attempt = 0;
  int slot = 0;
};

// How a task left an attempt, or was ended without one.
struct TaskEnd {
  TaskState state = TaskState::kFailed;
  std::string reason, message;
  std::optional<ResultEvent> result;
};

// A node of the cluster, and why it is there: this machine by itself, the hostfile, or somebody joined it.
enum class NodeSource { kMachine, kHostfile, kJoined };
struct StoredNode {
  int64_t id = 0;  // 0: not stored yet
  NodeSpec spec;
  NodeSource source = NodeSource::kJoined;
};

struct ListOptions {
  int limit = 100;
  int64_t after = 0;                // tasks submitted later than this order
  std::optional<TaskState> state;
  std::string label_name, label_value;  // "": any
  std::optional<std::string> owner;
};

class TaskStore {
 public:
  using Done = std::function<void(Status)>;

  // Opens or makes the store and brings it to the newest schema.
  static Result<std::unique_ptr<TaskStore>> Open(const std::filesystem::path& file, const Clock& clock);
  // Finishes the writes that were made.
  ~TaskStore();

  // From now on `changed` is called with the id of each task that got new events, on the writer's thread after they became durable and
  // before the write's own `done`. Once, before the first write.
  void Listen(std::function<void(const std::string& id)> changed);

  void Submit(NewTask task, std::function<void(Result<SubmittedTask>)> done);
  // pending -> running with this attempt (the task's attempt + 1). FailedPrecondition (STALE_ATTEMPT) when the task is not pending or the
  // number is not the next one.
  void BeginAttempt(const std::string& id, int attempt, int slot, Done done);
  // Appends a worker's events whose seq is larger than the last one stored for the attempt; others are already there. Of progress events in
  // a row only the last is kept. FailedPrecondition (STALE_ATTEMPT) when the attempt is over.
  void AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done);
  // running -> pending. `lost`: it counts against the task's attempts.
  void Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done);
  // running or pending -> a final state, once: FailedPrecondition (STALE_ATTEMPT) when the attempt is not the task's newest or the task
  // has ended already. The open attempt, if any, stays open until CloseAttempt.
  void Finish(const std::string& id, int attempt, TaskEnd end, Done done);
  // The attempt's worker has ended. Closing it again changes nothing.
  void CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done);
  // The cluster is these nodes from now on: `done` gets them with their ids.
  void SetNodes(std::vector<StoredNode> nodes, std::function<void(Result<std::vector<StoredNode>>)> done);
  // Returns when every write made before is durable or failed.
  void Flush();

  // NotFound (UNKNOWN_TASK).
  Result<TaskRecord> Get(const std::string& id) const;
  Result<std::vector<TaskRecord>> List(const ListOptions& options) const;
  // Pending and running tasks, by priority and submission.
  Result<std::vector<TaskRecord>> Unfinished() const;
  // The files that pending and running tasks were given.
  Result<std::set<std::filesystem::path>> InputsInUse() const;
  // The final states that wait to be told, those due at `now` first; none of tasks that have no webhook.
  Result<std::vector<DueWebhook>> DueWebhooks(WallTime now, int limit) const;
  // When the next is due; none: none waits.
  Result<std::optional<WallTime>> NextWebhook() const;
  // None: the task has no webhook, or has not ended.
  Result<std::optional<WebhookStatus>> Webhook(const std::string& id) const;
  void UpdateWebhook(const std::string& id, const WebhookStatus& status, Done done);
  // Attempts whose worker was not yet seen to end, of tasks in any state.
  Result<std::vector<OpenAttempt>> OpenAttempts() const;
  Result<std::vector<StoredNode>> Nodes() const;
  // At most `limit` events with a seq larger than `after`.
  Result<std::vector<TaskEvent>> Events(const std::string& id, uint64_t after, int limit) const;
  // The seq of the last stored event that this attempt's worker wrote; 0: none.
  Result<uint64_t> LastWorkerSeq(const std::string& id, int attempt) const;

 private:
  class Writer;
  class Reader;
  TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader);

  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace ns
