#include "service/dispatcher.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

#include "base/file.h"
#include "store/task_store.h"

namespace ns {
namespace {

// Workers that are nothing but what the test tells of them.
class FakeExecutor final : public Executor {
 public:
  void Listen(ExecutorListener* listener) override { listener_ = listener; }
  Status Start(const WorkerPlace& place) override {
    Note(place.id);
    return OkStatus();
  }
  void Adopt(const WorkerPlace& place, uint64_t after_seq) override {
    after_ = after_seq;
    Note(place.id);
  }
  void Stop(const WorkerId& worker) override { listener_->OnExit(worker, {true, {0, 15}}); }

  // Waits until this attempt was started or adopted.
  void Await(const std::string& id, int attempt) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return there_.contains({id, 0, attempt}); }));
  }
  ExecutorListener& listener() { return *listener_; }
  uint64_t after() const { return after_; }

 private:
  void Note(const WorkerId& worker) {
    std::lock_guard lock(mutex_);
    there_.insert(worker);
    changed_.notify_all();
  }
  ExecutorListener* listener_ = nullptr;
  uint64_t after_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<WorkerId> there_;
};

class DispatcherTest : public testing::Test {
 protected:
  ~DispatcherTest() override {
    if (dispatcher_) dispatcher_->Stop();
    store_.reset();
  }
  void Make(const Dispatcher::Options& options = {}) {
    dispatcher_ = std::make_unique<Dispatcher>(options, workspace_, *store_, executor_, clock_);
    dispatcher_->AddNode(1, {{0}});
  }
  PendingTask Submit(const std::string& id) {
    NewTask task;
    task.id = id;
    task.spec_json = R"({"model": "m.onnx", "dataset": "d.npz"})";
    task.model_path = "/m.onnx";
    task.submitted = clock_.wall();
    std::promise<int64_t> order;
    store_->Submit(task, [&](Result<SubmittedTask> made) { order.set_value(made->order); });
    PendingTask pending;
    pending.id = id;
    pending.order = order.get_future().get();
    return pending;
  }
  void WriteReport(const std::string& id) {
    std::filesystem::create_directories(workspace_.result_folder(id));
    ASSERT_TRUE(WriteFileAtomic(workspace_.result_folder(id) / "report.json", "{}").ok());
  }
  TaskRecord AwaitState(const std::string& id, TaskState state) {
    for (int i = 0; i < 2000; ++i) {
      TaskRecord task = store_->Get(id).value();
      if (task.state == state) return task;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "task " << id << " is " << TaskStateName(store_->Get(id)->state);
    return {};
  }

  TempDir folder_ = TempDir::Create("ns_dispatcher_").value();
  SystemClock clock_;
  Workspace workspace_ = Workspace::Create(folder_.path()).value();
  std::unique_ptr<TaskStore> store_ = TaskStore::Open(workspace_.store_file(), clock_).value();
  FakeExecutor executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

const ResultEvent kResult{true, "v", "accuracy", 0.5, 1, 2};

TEST_F(DispatcherTest, ATaskRunsAndEndsWithItsResult) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), StageEvent{"s"}}});
  executor_.listener().OnEvents({"a", 0, 1}, {{2, clock_.wall(), kResult}});
  WriteReport("a");
  executor_.listener().OnExit({"a", 0, 1}, {true, {0, 0}});
  EXPECT_EQ(AwaitState("a", TaskState::kDone).result->accuracy, 0.5);
  EXPECT_EQ(store_->LastWorkerSeq("a", 1).value(), 2u);
}

// The states of a task's events, with "?" for each other event between them.
std::string StatesOf(const TaskStore& store, const std::string& id) {
  std::string states;
  auto events = store.Events(id, 0, 1000).value();
  for (const TaskEvent& event : events) {
    auto* state = std::get_if<StateEvent>(&event.payload);
    states += state == nullptr ? "? " : fmt::format("{} ", TaskStateName(state->state));
  }
  return states;
}

TEST_F(DispatcherTest, ReadersAreToldOfAFailureWhenTheTaskHasFailed) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), StageEvent{"s"}}});
  executor_.listener().OnEvents({"a", 0, 1}, {{2, clock_.wall(), StateEvent{TaskState::kFailed, "BAD_DATA", "why", 0}}});
  executor_.listener().OnEvents({"a", 0, 1}, {{3, clock_.wall(), NoteEvent{"n"}}});
  for (int i = 0; i < 2000 && store_->LastWorkerSeq("a", 1).value() < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(StatesOf(*store_, "a"), "pending running ? ? ");
  executor_.listener().OnExit({"a", 0, 1}, {true, {2, 0}});
  EXPECT_EQ(AwaitState("a", TaskState::kFailed).reason, "BAD_DATA");
  EXPECT_EQ(StatesOf(*store_, "a"), "pending running ? ? failed ");
}

TEST_F(DispatcherTest, AWorkerCannotSayThatItsTaskRunsOrIsDone) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  TrialEvent baseline;
  baseline.accuracy = 0.75;
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), baseline},
                                                   {2, clock_.wall(), StateEvent{TaskState::kRunning, "", "", 7}},
                                                   {3, clock_.wall(), StateEvent{TaskState::kDone, "", "", 1}},
                                                   {4, clock_.wall(), StageEvent{"s"}}});
  for (int i = 0; i < 2000 && store_->LastWorkerSeq("a", 1).value() < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(StatesOf(*store_, "a"), "pending running ? ? ");
  EXPECT_EQ(dispatcher_->Progress("a")->baseline->accuracy, 0.75);
}

TEST_F(DispatcherTest, AServiceStartedBeforeAFailingWorkersEndReadsItsReasonAgain) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  TaskEvent failed{2, clock_.wall(), StateEvent{TaskState::kFailed, "BAD_DATA", "why", 0}};
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), StageEvent{"s"}}, failed});
  for (int i = 0; i < 2000 && store_->LastWorkerSeq("a", 1).value() < 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  dispatcher_->Stop();
  Make();
  ASSERT_TRUE(dispatcher_->Recover().ok());
  EXPECT_EQ(executor_.after(), 1u);
  executor_.listener().OnEvents({"a", 0, 1}, {failed});
  executor_.listener().OnExit({"a", 0, 1}, {true, {2, 0}});
  EXPECT_EQ(AwaitState("a", TaskState::kFailed).reason, "BAD_DATA");
}

TEST_F(DispatcherTest, AWorkerThatComesBackAfterItWasGivenUpIsNotHeard) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  executor_.listener().OnExit({"a", 0, 1}, {});  // gone without a word
  executor_.Await("a", 2);
  ResultEvent late = kResult;
  late.accuracy = 0.9;
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), late}});
  WriteReport("a");
  executor_.listener().OnExit({"a", 0, 1}, {true, {0, 0}});
  executor_.listener().OnEvents({"a", 0, 2}, {{1, clock_.wall(), kResult}});
  executor_.listener().OnExit({"a", 0, 2}, {true, {0, 0}});
  TaskRecord task = AwaitState("a", TaskState::kDone);
  EXPECT_EQ(task.attempt, 2);
  EXPECT_EQ(task.result->accuracy, 0.5);
  EXPECT_EQ(store_->LastWorkerSeq("a", 1).value(), 0u);
}

TEST_F(DispatcherTest, ASubmittersQueueHasItsLimit) {
  dispatcher_ = std::make_unique<Dispatcher>(Dispatcher::Options{{}, 2}, workspace_, *store_, executor_, clock_);
  EXPECT_TRUE(dispatcher_->Reserve("ann").ok());
  EXPECT_TRUE(dispatcher_->Reserve("ann").ok());
  EXPECT_EQ(dispatcher_->Reserve("ann").reason(), "TOO_MANY_QUEUED");
  EXPECT_TRUE(dispatcher_->Reserve("bob").ok());
  dispatcher_->Unreserve("ann");
  EXPECT_TRUE(dispatcher_->Reserve("ann").ok());
}

TEST_F(DispatcherTest, ARunningTaskWhoseAttemptIsClosedKeepsItsResultAfterARestart) {
  (void)Submit("a");
  store_->BeginAttempt("a", 1, 0, {});
  store_->AppendEvents("a", 1, {{1, clock_.wall(), kResult}}, {});
  store_->CloseAttempt("a", 1, "done", {});
  store_->Flush();
  WriteReport("a");
  Make();
  ASSERT_TRUE(dispatcher_->Recover().ok());
  executor_.Await("a", 1);
  EXPECT_EQ(executor_.after(), 1u);
  executor_.listener().OnExit({"a", 0, 1}, {true, {0, 0}});
  EXPECT_EQ(AwaitState("a", TaskState::kDone).result->accuracy, 0.5);
}

TEST_F(DispatcherTest, TasksOfALongQueueComeInTheirTurnAlsoAfterARestart) {
  Dispatcher::Options options;
  options.scheduler.most_known = 1;
  Make(options);
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) dispatcher_->Submitted(Submit(id));
  executor_.Await("a", 1);
  // The scheduler knows b and c, one more than there are slots.
  std::promise<Status> cancelled;
  dispatcher_->Cancel("e", [&](Status status) { cancelled.set_value(std::move(status)); });
  EXPECT_TRUE(cancelled.get_future().get().ok());
  EXPECT_EQ(AwaitState("e", TaskState::kCancelled).reason, "CANCELLED");
  WaitReason why = dispatcher_->WhyWaits(store_->Get("f").value()).value();
  EXPECT_EQ(why.reason, "WAITS_FOR_SLOT");
  EXPECT_EQ(why.ahead, 3);
  EXPECT_EQ(dispatcher_->WhyWaits(store_->Get("c").value())->ahead, 1);
  EXPECT_FALSE(dispatcher_->WhyWaits(store_->Get("e").value()).has_value());
  dispatcher_->Stop();
  Make(options);
  ASSERT_TRUE(dispatcher_->Recover().ok());
  EXPECT_EQ(dispatcher_->WhyWaits(store_->Get("f").value())->ahead, 3);
  std::string running = "a";
  for (const char* next : {"b", "c", "d", "f"}) {
    executor_.listener().OnExit({std::exchange(running, next), 0, 1}, {true, {127, 0}});
    executor_.Await(next, 1);
  }
  executor_.listener().OnExit({"f", 0, 1}, {true, {127, 0}});
  AwaitState("f", TaskState::kFailed);
}

TEST_F(DispatcherTest, ATaskOfALongQueueFailsAtItsDeadline) {
  Dispatcher::Options options;
  options.scheduler.most_known = 1;
  Make(options);
  for (const char* id : {"a", "b", "c", "d"}) dispatcher_->Submitted(Submit(id));
  PendingTask late = Submit("e");
  late.deadline = clock_.steady() + std::chrono::milliseconds(300);
  dispatcher_->Submitted(late);
  EXPECT_EQ(AwaitState("e", TaskState::kFailed).reason, "DEADLINE");
  EXPECT_EQ(store_->Get("d")->state, TaskState::kPending);
}

TEST_F(DispatcherTest, AnAttemptThatEndsLeavesNoScratch) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  for (const char* name : {".result.x1y2z3", "tmp"}) std::filesystem::create_directories(workspace_.task_folder("a") / "work" / name / "deep");
  executor_.listener().OnEvents({"a", 0, 1}, {{1, clock_.wall(), StateEvent{TaskState::kFailed, "BAD_DATA", "why", 0}}});
  executor_.listener().OnExit({"a", 0, 1}, {true, {1, 0}});
  EXPECT_EQ(AwaitState("a", TaskState::kFailed).reason, "BAD_DATA");
  EXPECT_FALSE(std::filesystem::exists(workspace_.task_folder("a") / "work" / ".result.x1y2z3"));
  EXPECT_FALSE(std::filesystem::exists(workspace_.task_folder("a") / "work" / "tmp"));
}

TEST_F(DispatcherTest, IdleComesWhenWhatRanIsStored) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  std::promise<TaskState> state;
  dispatcher_->StopWorkers([&] { state.set_value(store_->Get("a")->state); });
  EXPECT_EQ(state.get_future().get(), TaskState::kPending);
  EXPECT_TRUE(store_->OpenWorkers()->empty());
}

TEST_F(DispatcherTest, ACancelledTaskEndsItsWorker) {
  Make();
  dispatcher_->Submitted(Submit("a"));
  executor_.Await("a", 1);
  std::promise<Status> done;
  dispatcher_->Cancel("a", [&](Status status) { done.set_value(std::move(status)); });
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(store_->Get("a")->state, TaskState::kCancelled);
  for (int i = 0; i < 2000 && dispatcher_->running() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(dispatcher_->running(), 0);
}

}  // namespace
}  // namespace ns
