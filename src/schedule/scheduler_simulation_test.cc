// The scheduler against a model of the world around it, from a seed: tasks come, workers end well, badly or not at all, tasks are cancelled,
// the service crashes and starts again from what was recorded. Checked at every step: no slot runs two workers, no task runs twice at once,
// a task ends once; at the end: every task has ended.
#include <gtest/gtest.h>

#include <random>

#include "base/status.h"
#include "schedule/scheduler.h"

namespace ns {
namespace {

using Kind = AttemptEnd::Kind;

class World {
 public:
  explicit World(uint32_t seed) : random_(seed), slots_(1 + static_cast<int>(seed % 4)) { Restart(); }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) Step();
    for (int i = 0; i < 100'000 && !AllEnded(); ++i) Settle();
    for (const auto& [id, task] : tasks_) EXPECT_TRUE(IsFinal(task.state)) << id << " never ended";
    EXPECT_TRUE(workers_.empty());
    EXPECT_EQ(scheduler_->free_slots(), slots_);
  }

 private:
  struct Task {  // as the store has it
    PendingTask info;
    TaskState state = TaskState::kPending;
  };
  struct Worker {
    int slot = 0;
    bool stopping = false;
  };
  using Attempt = std::pair<std::string, int>;

  int Pick(int count) { return static_cast<int>(random_() % static_cast<uint32_t>(count)); }
  bool AllEnded() const {
    bool ended = workers_.empty();
    for (const auto& [id, task] : tasks_) ended = ended && IsFinal(task.state);
    return ended;
  }

  void Step() {
    now_ += std::chrono::milliseconds(Pick(400));
    switch (Pick(12)) {
      case 0: case 1: case 2: case 3: return Submit();
      case 4: case 5: case 6: case 7: return EndSomeWorker();
      case 8: return CancelSome();
      case 9: return Restart();
      default: return Carry(scheduler_->Tick(now_));
    }
  }

  void Settle() {
    now_ += std::chrono::milliseconds(1000);
    EndSomeWorker();
    Carry(scheduler_->Tick(now_));
  }

  void Submit() {
    std::string id = "t" + std::to_string(tasks_.size());
    tasks_[id].info = {id, 1 + Pick(3), static_cast<int64_t>(tasks_.size()), 0, 0};
    Carry(scheduler_->Submit(tasks_[id].info, now_));
  }

  void EndSomeWorker() {
    if (workers_.empty()) return;
    auto at = std::next(workers_.begin(), Pick(static_cast<int>(workers_.size())));
    Attempt attempt = at->first;
    Kind kind = at->second.stopping ? Kind::kLost : std::array{Kind::kDone, Kind::kDone, Kind::kFailed, Kind::kLost}[static_cast<size_t>(Pick(4))];
    workers_.erase(at);
    Carry(scheduler_->Exited(attempt.first, attempt.second, {kind, "R", "m"}, now_));
  }

  void CancelSome() {
    if (tasks_.empty()) return;
    auto at = std::next(tasks_.begin(), Pick(static_cast<int>(tasks_.size())));
    Carry(scheduler_->Cancel(at->first, now_));
  }

  // The service dies and comes back: all that is left is what was recorded, and the workers.
  void Restart() {
    scheduler_.emplace(Scheduler::Options{});
    Carry(scheduler_->AddNode(0, slots_, now_));
    std::vector<Action> actions;
    for (auto& [attempt, worker] : workers_) {
      const Task& task = tasks_.at(attempt.first);
      if (task.state == TaskState::kRunning && task.info.attempt == attempt.second) {
        scheduler_->Adopt(task.info, worker.slot);
      } else {
        scheduler_->Hold(attempt.first, attempt.second, worker.slot);
        worker.stopping = true;
      }
    }
    for (auto& [id, task] : tasks_) {
      if (task.state == TaskState::kPending) Carry(scheduler_->Submit(task.info, now_));
    }
  }

  void Carry(const std::vector<Action>& actions) {
    for (const Action& action : actions) std::visit([this](const auto& one) { Do(one); }, action);
  }

  void Do(const StartAction& start) {
    Task& task = tasks_.at(start.id);
    EXPECT_EQ(task.state, TaskState::kPending) << start.id;
    EXPECT_EQ(start.attempt, task.info.attempt + 1);
    for (const auto& [attempt, worker] : workers_) {
      EXPECT_NE(worker.slot, start.slot) << "two workers on slot " << start.slot;
      EXPECT_NE(attempt.first, start.id) << start.id << " runs twice";
    }
    EXPECT_TRUE(start.slot >= 0 && start.slot < slots_);
    task.state = TaskState::kRunning;
    task.info.attempt = start.attempt;
    workers_[{start.id, start.attempt}] = Worker{start.slot, false};
  }
  void Do(const StopAction& stop) {
    auto worker = workers_.find({stop.id, stop.attempt});
    ASSERT_NE(worker, workers_.end());
    worker->second.stopping = true;
  }
  void Do(const FinishAction& finish) {
    Task& task = tasks_.at(finish.id);
    EXPECT_TRUE(MayFollow(task.state, finish.state)) << finish.id << " ended twice";
    EXPECT_EQ(finish.attempt, task.info.attempt);
    task.state = finish.state;
  }
  void Do(const RequeueAction& requeue) {
    Task& task = tasks_.at(requeue.id);
    EXPECT_EQ(task.state, TaskState::kRunning);
    task.state = TaskState::kPending;
    task.info.lost += requeue.lost ? 1 : 0;
    EXPECT_LT(task.info.lost, 3);
  }

  std::mt19937 random_;
  const int slots_;
  SteadyTime now_;
  std::optional<Scheduler> scheduler_;
  std::map<std::string, Task> tasks_;
  std::map<Attempt, Worker> workers_;
};

TEST(SchedulerSimulationTest, NoHistoryBreaksTheRules) {
  for (uint32_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    World(seed).Run(120);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ns
