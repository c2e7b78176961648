// The store as a state machine on a simulated disk: writes wait in a queue, a transaction takes some of them, a crash loses what no transaction
// took. That it does what the real store does is a test of its own (journal_test.cc).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "schedule/seeded_bug.h"
#include "store/task_journal.h"

namespace ns::sim {

class Journal final : public TaskJournal {
 public:
  Journal(const Clock& clock, SeededBug bug) : clock_(clock), bug_(bug) {}

  void Submit(TaskRecord task, std::function<void(Result<int64_t> order)> done);
  void BeginAttempt(const std::string& id, int attempt, int slot, Done done) override;
  void BeginAssistant(const WorkerId& assistant, int slot, Done done) override;
  void EndAssistant(const WorkerId& assistant, Done done) override;
  void AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) override;
  void Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) override;
  void Finish(const std::string& id, int attempt, TaskEnd end, Done done) override;
  void CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) override;
  Result<TaskRecord> Get(const std::string& id) const override;
  Result<std::vector<TaskRecord>> Unfinished() const;
  Result<std::vector<TaskRecord>> Running() const override;
  Status EachPending(const std::function<void(const TaskRecord&)>& each) const override;
  Result<std::vector<TaskRecord>> Pending(const std::vector<int64_t>& orders) const override;
  Result<std::vector<OpenWorker>> OpenWorkers() const override;
  Result<std::vector<TaskEvent>> Events(const std::string& id, uint64_t after, int limit) const override;
  Result<uint64_t> LastWorkerSeq(const std::string& id, int attempt) const override;

  // The next so many calls of Pending() fail.
  void FailReads(int count) { unreadable_ = count; }
  size_t waiting() const { return queue_.size(); }
  size_t unacknowledged() const { return acks_.size(); }
  // One transaction of the first `count` writes. With a full disk it fails and nothing changes.
  void Commit(size_t count, bool disk_full);
  // Tells one write's end to whoever made it.
  void Acknowledge();
  // What is not on the disk is gone.
  void Crash();
  // Called with each change of a task's state that became durable, in order.
  std::function<void(const TaskRecord& task)> on_state;

 private:
  struct Attempt {
    int slot = 0;
    bool ended = false;
    uint64_t worker_seq = 0;
  };
  struct Row {
    TaskRecord task;
    std::map<int, Attempt> attempts;
    std::map<WorkerId, int> assistants;  // -> slot
    std::vector<TaskEvent> events;
  };
  using State = std::map<std::string, Row>;
  using Write = std::function<Status(State&)>;

  void Queue(Write write, Done done) { queue_.emplace_back(std::move(write), std::move(done)); }
  // The row if the attempt may still change its task.
  Result<Row*> Current(State& state, const std::string& id, int attempt) const;
  void AddEvent(Row& row, const EventPayload& payload) const;
  std::vector<TaskRecord> InState(TaskState state) const;  // by submission
  void ChangeState(Row& row, TaskState state);

  mutable int unreadable_ = 0;
  const Clock& clock_;
  const SeededBug bug_;
  State state_;
  State synced_;  // with kDropSync: before the last transaction
  std::deque<std::pair<Write, Done>> queue_;
  std::deque<std::pair<Done, Status>> acks_;
  int64_t last_order_ = 0;
};

}  // namespace ns::sim
