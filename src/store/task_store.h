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
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/cluster.h"
#include "tasks/task_event.h"
#include "tasks/task_state.h"

namespace ns {

class DamageCheck;

struct NewTask {
  std::string id;
  int priority = 2;
  std::string name;
  std::string spec_json;
  std::filesystem::path model_path, dataset_path, calibration_path;  // resolved; empty: none
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
  int64_t events = 0;  // number of its last event
};

// What Submit() made, or found under the same idempotency key.
struct SubmittedTask {
  std::string id;
  int64_t order = 0;
  bool existed = false;
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

// Of the whole store, kept up to date by it.
struct StoreTotals {
  std::map<TaskState, int64_t> tasks;
  uint64_t bytes = 0;  // of the files of ended tasks, as far as they were measured

  int64_t in(TaskState state) const {
    auto found = tasks.find(state);
    return found == tasks.end() ? 0 : found->second;
  }
  int64_t ended() const { return in(TaskState::kDone) + in(TaskState::kFailed) + in(TaskState::kCancelled); }
};

struct EndedTask {
  std::string id;
  WallTime ended;
  std::optional<uint64_t> bytes;  // of its files; none: not measured yet
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
  // a row only the last is kept: it takes the next number, and the number of the one before is free. A task's log takes 10,000 events, then
  // only trials, states and results. FailedPrecondition (STALE_ATTEMPT) when the attempt is over.
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

  // Retention. Removes those of `ids` that have ended and whose workers have, with attempts and events, and tells how many went; their ids
  // are Leftovers() until ForgetLeftovers(), so that files are removed even after a crash.
  void Remove(std::vector<std::string> ids, std::function<void(Result<int64_t>)> done);
  void ForgetLeftovers(std::vector<std::string> ids, Done done);
  Result<std::vector<std::string>> Leftovers(int limit) const;
  // The longest ended first.
  Result<std::vector<EndedTask>> LongestEnded(int limit) const;
  Result<std::vector<std::string>> Unmeasured(int limit) const;
  void SetBytes(std::vector<std::pair<std::string, uint64_t>> sizes, Done done);
  Result<StoreTotals> Totals() const;

  // OK when the store is whole and was written a moment ago, or can be now: it tries. ResourceExhausted (DISK_FULL) and the like.
  void CheckWritable(Done done);
  // The same without a try: why the last transaction failed, or the damage that was found.
  Status health() const;

  // NotFound (UNKNOWN_TASK).
  Result<TaskRecord> Get(const std::string& id) const;
  // The same for one that was read a moment ago; none: ask Get(). Never waits for the disk.
  std::optional<TaskRecord> GetFromMemory(const std::string& id) const;
  Result<std::vector<TaskRecord>> List(const ListOptions& options) const;
  // Pending and running tasks, by priority and submission.
  Result<std::vector<TaskRecord>> Unfinished() const;
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
  TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader, std::unique_ptr<DamageCheck> check);

  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<DamageCheck> check_;
};

}  // namespace ns
