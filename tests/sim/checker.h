// The rules of docs/design/scheduling.md, checked from outside: with an account of its own of who holds what, and by formula, not by the
// scheduler's data structures.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "schedule/scheduler.h"
#include "store/task_record.h"

namespace ns::sim {

class Checker final : public SchedulerObserver {
 public:
  Checker(const Scheduler::Options& options, const Clock& clock, std::function<void(const std::string&)> violation)
      : options_(options), clock_(clock), violation_(std::move(violation)) {}

  // Every task starts in its turn; nothing grows while somebody it must let through waits.
  void BeforeStart(const Scheduler& scheduler, const PendingTask& task, SteadyTime now) override;
  void BeforeGrow(const Scheduler& scheduler, const WorkerId& assistant, int task_class) override;
  void OnHeld(const std::string& submitter, const WorkerId& worker) override;
  void OnReleased(const WorkerId& assistant) override { released_.insert(assistant); }
  void OnEnded(const WorkerId& worker, bool started, bool lost) override;
  // A running lead told how many workers it has use for.
  void Useful(const WorkerId& lead, int useful);
  // After a decision: no assistant stays that a waiting task should get, that its lead has no use for, or whose task has ended.
  void CheckAssistants(const Scheduler& scheduler);

  // What became durable: the life of a task, which has one end.
  void OnState(const TaskRecord& task);
  // The service was told of a pending task.
  void Told(const PendingTask& task);
  // It is to be cancelled.
  void Untold(const std::string& id) { told_.erase(id); }
  // The wall clock did: who has waited how long depends on when it was told of a task.
  void Jumped() { jumped_ = true; }
  // A client was told that the task is there; that it is cancelled; what its end is.
  void Acknowledged(const std::string& id) { acknowledged_.insert(id); }
  void Cancelled(const std::string& id) { cancelled_.insert(id); }
  void Seen(const TaskRecord& task) { seen_.emplace(task.id, task); }
  // After a restart and at the end: what was told is still so. `get` reads the store.
  void CheckPromises(const std::function<Result<TaskRecord>(const std::string&)>& get) const;
  const std::set<std::string>& acknowledged() const { return acknowledged_; }
  void Restarted() {
    held_.clear();
    ended_at_.clear();
    last_turn_.clear();
    waits_since_.clear();
    told_.clear();
    released_.clear();
    useful_.clear();
    class_of_.clear();
    losses_.clear();
  }

 private:
  void Started(const PendingTask& task);
  void CheckOldest(const PendingTask& task);
  int SlotsOf(const std::string& submitter) const;
  int RunningOf(const std::string& submitter) const;
  int ClassOf(const PendingTask& task, SteadyTime now) const;
  int ClassOfRunning(const std::string& id) const;
  bool AtLimit(const std::string& submitter) const { return options_.queue.max_running > 0 && RunningOf(submitter) >= options_.queue.max_running; }
  int StayingOf(const std::string& id) const;

  const Scheduler::Options options_;
  const Clock& clock_;
  std::function<void(const std::string&)> violation_;
  std::map<WorkerId, std::string> held_;  // worker -> submitter
  std::set<WorkerId> released_;           // of these
  std::map<std::string, int> class_of_;   // by task, when it started
  std::map<std::string, int> useful_;     // by task
  struct Loss {
    int count = 0;
    SteadyTime last;
  };
  std::map<std::pair<std::string, int>, Loss> losses_;  // by task and assistant's number
  std::map<std::string, TaskRecord> durable_, seen_;
  int64_t turns_ = 0;
  std::map<std::string, int64_t> last_turn_;  // by submitter: when a task of it started or ended last
  std::map<std::string, int64_t> waits_since_;  // by task: the last of these before it was seen to wait
  std::map<std::string, SteadyTime> ended_at_;  // of the last attempt
  std::map<std::string, PendingTask> told_;  // that have not started once and have no deadline
  bool jumped_ = false;
  std::set<std::string> acknowledged_, cancelled_;
};

}  // namespace ns::sim
