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
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "store/task_journal.h"
#include "store/task_record.h"
#include "tasks/answers.h"
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
  std::filesystem::path model_path, dataset_path, calibration_path;  // resolved; empty: none. Of a script task model_path is the script's
  std::string idempotency_key;                                       // "": none; one key space an owner
  std::string owner;                                                 // Caller::name
  std::string submitter;                                             // whose fair share it counts against
  WallTime submitted;
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

class TaskStore final : public TaskJournal {
 public:
  // Opens or makes the store and brings it to the newest schema.
  static Result<std::unique_ptr<TaskStore>> Open(const std::filesystem::path& file, const Clock& clock);
  // Finishes the writes that were made.
  ~TaskStore() override;

  // From now on `changed` is called with the id of each task that got new events, on the writer's thread after they became durable and
  // before the write's own `done`. Once, before the first write.
  void Listen(std::function<void(const std::string& id)> changed);

  void Submit(NewTask task, std::function<void(Result<SubmittedTask>)> done);
  void BeginAttempt(const std::string& id, int attempt, int slot, Done done) override;
  void BeginAssistant(const WorkerId& assistant, int slot, Done done) override;
  void EndAssistant(const WorkerId& assistant, Done done) override;
  void AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) override;
  void Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) override;
  void Finish(const std::string& id, int attempt, TaskEnd end, Done done) override;
  void CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) override;
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
  // The task's files have changed: it is Unmeasured() again.
  void ForgetBytes(const std::string& id, Done done);
  Result<StoreTotals> Totals() const;

  // OK when the store is whole and was written a moment ago, or can be now: it tries. ResourceExhausted (DISK_FULL) and the like.
  void CheckWritable(Done done);
  // The same without a try: why the last transaction failed, or the damage that was found.
  Status health() const;

  // The task that was submitted with this idempotency key. NotFound (UNKNOWN_TASK).
  Result<std::string> FindByKey(const std::string& owner, const std::string& key) const;
  // NotFound (UNKNOWN_TASK).
  Result<TaskRecord> Get(const std::string& id) const override;
  // The same for one that was read a moment ago; none: ask Get(). Never waits for the disk.
  std::optional<TaskRecord> GetFromMemory(const std::string& id) const;
  Result<std::vector<TaskRecord>> List(const ListOptions& options) const;
  Result<std::vector<TaskRecord>> Running() const override;
  Status EachPending(const std::function<void(const TaskRecord&)>& each) const override;
  Result<std::vector<TaskRecord>> Pending(const std::vector<int64_t>& orders) const override;
  Result<std::vector<OpenWorker>> OpenWorkers() const override;
  // The files that pending and running tasks were given.
  Result<std::set<std::filesystem::path>> InputsInUse() const;
  // The final states that wait to be told, those due at `now` first; none of tasks that have no webhook.
  Result<std::vector<DueWebhook>> DueWebhooks(WallTime now, int limit) const;
  // When the next is due; none: none waits.
  Result<std::optional<WallTime>> NextWebhook() const;
  void UpdateWebhook(const std::string& id, const WebhookStatus& status, Done done);
  Result<std::vector<StoredNode>> Nodes() const;
  Result<std::vector<TaskEvent>> Events(const std::string& id, uint64_t after, int limit) const override;
  Result<uint64_t> LastWorkerSeq(const std::string& id, int attempt) const override;

 private:
  class Writer;
  class Reader;
  TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader, std::unique_ptr<DamageCheck> check);

  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<DamageCheck> check_;
};

}  // namespace ns
