// One history from a seed: clients, the service (task runner and scheduler), its store, its machine and its clock, with faults, step by step.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker.h"
#include "journal.h"
#include "random.h"
#include "service/task_runner.h"
#include "workers.h"

namespace ns::sim {

class SimClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(std::chrono::microseconds(1'700'000'000'000'000)) + passed_ + jump_; }
  SteadyTime steady() const override { return SteadyTime() + std::chrono::hours(1000) + passed_; }
  void Advance(std::chrono::milliseconds by) { passed_ += by; }
  void Jump(std::chrono::milliseconds by) { jump_ += by; }

 private:
  std::chrono::microseconds passed_{0}, jump_{0};
};

class World final : private ExecutorListener {
 public:
  struct Options {
    uint64_t seed = 0;
    SeededBug bug = SeededBug::kNone;
    int steps = 300;
    bool trace = false;  // each step on standard output
  };
  explicit World(const Options& options);
  ~World() override;

  // The whole history. What was broken, in the order in which it was seen; empty: nothing.
  std::vector<std::string> Run();

 private:
  void Step();
  void Fault();
  void Settle();
  bool AllEnded() const;

  // The service's thread.
  void Post(std::function<void()> message) { messages_.push_back(std::move(message)); }
  bool RunMessage();
  void RunDue();
  void Crash();
  void StartService();
  void Stop();
  void CheckEvents();
  void Submit();
  void SubmitOne();
  void Cancel();
  void Look();
  void ChangeNodes();
  void ToggleNode();
  void Deliver(size_t most);
  template <typename... Args>
  void Trace(fmt::format_string<Args...> format, Args&&... args);
  std::string SomeTask() { return fmt::format("t{}", 1 + random_.Pick(std::max(1, submitted_))); }
  PendingTask Pending(const TaskRecord& task) const;

  void OnEvents(const WorkerId& lead, std::vector<TaskEvent> events) override;
  void OnExit(const WorkerId& worker, const WorkerExit& exit) override;

  const Options options_;
  Random random_;
  SimClock clock_;
  std::vector<std::string> violations_;
  Scheduler::Options scheduler_options_;
  Journal journal_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Checker> checker_;
  std::map<int64_t, int> nodes_;  // -> slots
  std::set<int64_t> down_;  // of these
  int64_t last_node_ = 0;
  bool stopping_ = false, stopped_ = false, ever_stopped_ = false;  // stop --now was asked for; nothing runs any more
  bool crowded_ = false;  // many tasks of few submitters wait, and the scheduler is told of few
  int submitted_ = 0, alive_ = 0;  // alive_: which service; messages of an earlier one are not heard
  std::deque<std::function<void()>> messages_;
  std::multimap<SteadyTime, std::function<void()>> later_;
  std::unique_ptr<TaskRunner> runner_;  // none: the service is down
};

}  // namespace ns::sim
