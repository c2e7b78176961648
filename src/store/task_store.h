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
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "store/task_journal.h"
#include "store/task_record.h"
#include "tasks/cluster.h"
#include "tasks/task_event.h"
#include "tasks/task_state.h"

namespace ns {

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

// What Submit() made, or found under the same idempotency key.
struct SubmittedTask {
  std::string id;
  int64_t order = 0;
  bool existed = false;
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
  void BeginAssistant(const std::string& id, int attempt, int worker, int slot, Done done) override;
  void EndAssistant(const std::string& id, int attempt, int worker, Done done) override;
  void AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) override;
  void Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) override;
  void Finish(const std::string& id, int attempt, TaskEnd end, Done done) override;
  void CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) override;
  // The cluster is these nodes from now on: `done` gets them with their ids.
  void SetNodes(std::vector<StoredNode> nodes, std::function<void(Result<std::vector<StoredNode>>)> done);
  // Returns when every write made before is durable or failed.
  void Flush();

  Result<TaskRecord> Get(const std::string& id) const override;
  Result<std::vector<TaskRecord>> List(const ListOptions& options) const;
  Result<std::vector<TaskRecord>> Unfinished() const override;
  Result<std::vector<OpenAttempt>> OpenAttempts() const override;
  // The first to the newest; none for a task that is not there.
  Result<std::vector<AttemptRecord>> Attempts(const std::string& id) const;
  Result<std::vector<StoredNode>> Nodes() const;
  Result<std::vector<TaskEvent>> Events(const std::string& id, uint64_t after, int limit) const override;
  Result<uint64_t> LastWorkerSeq(const std::string& id, int attempt) const override;

 private:
  class Writer;
  class Reader;
  TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader);

  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace ns
