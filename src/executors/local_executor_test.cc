// Against real processes: the worker is a shell script, the supervisor this test program itself (see testing/).
#include "executors/local_executor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>

#include "base/file.h"
#include "executors/event_tail.h"
#include "executors/testing/supervise.h"
#include "tasks/process_files.h"
#include "tasks/task_file.h"

namespace ns {
namespace {

class Recorder final : public ExecutorListener {
 public:
  void OnEvents(const WorkerId&, std::vector<TaskEvent> events) override {
    std::lock_guard lock(mutex_);
    EXPECT_FALSE(exit_.has_value()) << "an event after the exit";
    for (const TaskEvent& event : events) seqs_.push_back(event.seq);
    changed_.notify_all();
  }
  void OnExit(const WorkerId&, const WorkerExit& exit) override {
    std::lock_guard lock(mutex_);
    exit_ = exit;
    changed_.notify_all();
  }
  WorkerExit AwaitExit() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return exit_.has_value(); }));
    return exit_.value_or(WorkerExit{});
  }
  void AwaitEvent(uint64_t seq) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !seqs_.empty() && seqs_.back() >= seq; }));
  }
  std::vector<uint64_t> seqs() {
    std::lock_guard lock(mutex_);
    return seqs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> seqs_;
  std::optional<WorkerExit> exit_;
};

class LocalExecutorTest : public testing::Test {
 protected:
  // A worker that runs `script` with the task's folder as $3 and a function `event SEQ`.
  void Prepare(const std::string& script) {
    std::ofstream(worker_) << "#!/bin/sh\nevent() { echo '{\"seq\":'$1',\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"stage\","
                           << "\"payload\":{\"stage\":\"s\"}}' >> \"$3/events.jsonl\"; }\n"
                           << script;
    ::chmod(worker_.c_str(), 0755);
    place_ = {{"a", 0, 1}, folder_.path() / "task", folder_.path() / "log.txt"};
    std::filesystem::create_directories(place_.folder);
    TaskFile file;
    file.task_id = "a";
    file.model_path = "/m";
    file.output_folder = "/o";
    file.events_file = place_.folder / kEventsFileName;
    file.spec.model = "m";
    file.spec.dataset.emplace();
    file.spec.dataset->path = "d";
    ASSERT_TRUE(WriteFileAtomic(place_.folder / kTaskFileName, TaskFileToJson(file)).ok());
    std::ofstream(file.events_file).flush();
  }
  StepPlannerOptions Planner() {
    StepPlannerOptions options;
    options.worker_command = {worker_.string()};
    options.sandbox = false;
    return options;
  }
  std::unique_ptr<LocalExecutor> Make(Recorder& recorder) {
    auto executor = LocalExecutor::Create({SupervisorOfTests(), Planner()}).value();
    executor->Listen(&recorder);
    return executor;
  }
  WorkerPids AwaitPids() {
    for (int i = 0; i < 1000; ++i) {
      auto text = ReadFile(place_.folder / kPidFileName);
      if (text.ok()) return ParseWorkerPids(*text).value();
      ::usleep(10'000);
    }
    ADD_FAILURE() << "no worker.pid";
    return {};
  }

  TempDir folder_ = TempDir::Create("ns_executor_").value();
  std::filesystem::path worker_ = folder_.path() / "worker.sh";
  WorkerPlace place_;
};

TEST_F(LocalExecutorTest, EventsComeBeforeTheExitAndTheOutputGoesToTheLog) {
  Prepare("event 1 x $3; echo said; event 2 x $3; exit 3\n");
  Recorder recorder;
  auto executor = Make(recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  WorkerExit exit = recorder.AwaitExit();
  EXPECT_TRUE(exit.known);
  EXPECT_EQ(exit.exit.exit_code, 3);
  EXPECT_EQ(recorder.seqs(), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(ReadFile(place_.log_file).value(), "said\n");
}

TEST_F(LocalExecutorTest, ASupervisorThatStoodByIsWatchedLikeAnyOther) {
  Prepare("event 1 x $3; echo said; event 2 x $3; exit 3\n");
  LocalExecutorOptions options{SupervisorOfTests(), Planner()};
  options.standbys = 1;
  auto executor = LocalExecutor::Create(options).value();
  // It waits with its first step beside it.
  auto stands_by = [] {
    std::vector<pid_t> children = ChildrenOf(::getpid());
    return !children.empty() && !ChildrenOf(children[0]).empty();
  };
  for (int i = 0; i < 1000 && !stands_by(); ++i) ::usleep(10'000);
  ASSERT_TRUE(stands_by());
  Recorder recorder;
  executor->Listen(&recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  EXPECT_EQ(recorder.AwaitExit().exit.exit_code, 3);
  EXPECT_EQ(recorder.seqs(), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(ReadFile(place_.log_file).value(), "said\n");
}

TEST_F(LocalExecutorTest, ARunningWorkerIsAdoptedWithTheEventsThatAreNew) {
  Prepare("event 1 x $3; event 2 x $3; while [ ! -e $3/go ]; do sleep 0.02; done; event 3 x $3\n");
  Recorder first;
  {
    auto executor = Make(first);
    ASSERT_TRUE(executor->Start(place_).ok());
    first.AwaitEvent(2);
  }
  Recorder second;
  auto executor = Make(second);
  executor->Adopt(place_, 1);
  second.AwaitEvent(2);
  std::ofstream(place_.folder / "go").flush();
  EXPECT_EQ(second.AwaitExit().exit.exit_code, 0);
  EXPECT_EQ(second.seqs(), (std::vector<uint64_t>{2, 3}));
}

TEST_F(LocalExecutorTest, AnAttemptWithoutATraceExitsUnknown) {
  Prepare("exit 0\n");
  Recorder recorder;
  auto executor = Make(recorder);
  executor->Adopt(place_, 0);
  EXPECT_FALSE(recorder.AwaitExit().known);
}

TEST_F(LocalExecutorTest, ASupervisorThatComesAfterItsAttemptWasGivenUpDoesNothing) {
  Prepare("event 1 x $3\n");
  StepPlan plan = PlanSteps(Planner(), place_.folder, ParseTaskFile(ReadFile(place_.folder / kTaskFileName).value()).value()).value();
  ASSERT_TRUE(WriteFileAtomic(place_.folder / kStepPlanFileName, StepPlanToJson(plan)).ok());
  Recorder recorder;
  auto executor = Make(recorder);
  executor->Adopt(place_, 0);  // no supervisor has the lock yet
  EXPECT_FALSE(recorder.AwaitExit().known);
  SpawnOptions late;
  late.argv = SupervisorOfTests();
  late.argv.insert(late.argv.end(), {"--task-folder", place_.folder.string(), "--attempt", "1"});
  EXPECT_EQ(WaitChild(Spawn(late).value().pid).value().exit_code, 0);
  EXPECT_EQ(ReadFile(place_.folder / kEventsFileName).value(), "");
  EXPECT_FALSE(std::filesystem::exists(place_.folder / kExitStatusFileName));
}

TEST_F(LocalExecutorTest, TheWorkersTemporaryFolderIsInTheTasksAndGoesWithIt) {
  Prepare("echo $TMPDIR; touch $TMPDIR/big && echo made; kill -9 $$\n");
  Recorder recorder;
  auto executor = Make(recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  EXPECT_EQ(recorder.AwaitExit().exit.signal, SIGKILL);
  EXPECT_EQ(ReadFile(place_.log_file).value(), (place_.folder / "work" / "tmp").string() + "\nmade\n");
  EXPECT_FALSE(std::filesystem::exists(place_.folder / "work" / "tmp"));
}

// Who ended in which order; holds up the first events until the test says so.
class OrderOfExits final : public ExecutorListener {
 public:
  explicit OrderOfExits(size_t exits) : exits_(exits) {}
  void OnEvents(const WorkerId&, std::vector<TaskEvent> events) override {
    if (events_ == 0) go_.get_future().wait();
    events_ += events.size();
    most_at_once_ = std::max(most_at_once_, events.size());
  }
  void OnExit(const WorkerId& worker, const WorkerExit&) override {
    order_.push_back(worker.task_id);
    if (order_.size() == exits_) ended_.set_value();
  }
  std::vector<std::string> Await() {
    go_.set_value();
    ended_.get_future().wait();
    return order_;
  }
  size_t events() const { return events_; }
  size_t most_at_once() const { return most_at_once_; }

 private:
  const size_t exits_;
  std::promise<void> go_, ended_;
  std::vector<std::string> order_;
  size_t events_ = 0, most_at_once_ = 0;
};

TEST_F(LocalExecutorTest, NobodyWaitsForAllThatAnEndedWorkerWrote) {
  // The first left 100,000 events of some 100 bytes, the second none; both have ended when they are adopted.
  auto line = [](uint64_t seq) { return TaskEventToJson({seq, WallTime(), StageEvent{std::string(20, 's')}}) + "\n"; };
  Prepare("");
  std::ofstream events(place_.folder / kEventsFileName);
  for (uint64_t seq = 1; seq <= 100'000; ++seq) events << line(seq);
  events.close();
  WorkerPlace first = place_, second = place_;
  second.id.task_id = "b";
  second.folder = folder_.path() / "other";
  std::filesystem::create_directories(second.folder);
  OrderOfExits listener(2);
  auto executor = LocalExecutor::Create({SupervisorOfTests(), Planner()}).value();
  executor->Listen(&listener);
  executor->Adopt(first, 0);
  executor->Adopt(second, 0);
  EXPECT_EQ(listener.Await(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(listener.events(), 100'000u);
  EXPECT_LE(listener.most_at_once(), EventTail::kMostAtOnce / line(1).size() * 3 / 2);
}

TEST_F(LocalExecutorTest, StopEndsAWorkerThatIgnoresItWithinTwoSeconds) {
  Prepare("trap '' TERM; event 1 x $3; while :; do sleep 0.05; done\n");
  Recorder recorder;
  auto executor = Make(recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  recorder.AwaitEvent(1);
  auto begin = std::chrono::steady_clock::now();
  executor->Stop(place_.id);
  EXPECT_EQ(recorder.AwaitExit().exit.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(LocalExecutorTest, AKilledWorkerIsSeenWithItsSignal) {
  Prepare("event 1 x $3; sleep 60\n");
  Recorder recorder;
  auto executor = Make(recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  recorder.AwaitEvent(1);
  ::kill(AwaitPids().worker.pid, SIGKILL);
  EXPECT_EQ(recorder.AwaitExit().exit.signal, SIGKILL);
}

TEST_F(LocalExecutorTest, AStaleSupervisorDoesNothing) {
  Prepare("event 1 x $3\n");
  Recorder recorder;
  auto executor = Make(recorder);
  place_.id.fence = 2;  // task.json, and so the plan, is of attempt 1
  ASSERT_TRUE(executor->Start(place_).ok());
  EXPECT_FALSE(recorder.AwaitExit().known);
  EXPECT_TRUE(recorder.seqs().empty());
}

TEST_F(LocalExecutorTest, AProgramThatIsNotThereIsExitCode127) {
  Prepare("");
  std::filesystem::remove(worker_);
  Recorder recorder;
  auto executor = Make(recorder);
  ASSERT_TRUE(executor->Start(place_).ok());
  EXPECT_EQ(recorder.AwaitExit().exit.exit_code, 127);
}

}  // namespace
}  // namespace ns
