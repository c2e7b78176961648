#include "store/task_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/file.h"
#include "base/testing/fake_clock.h"
#include "store/migrations.h"
#include "store/sqlite.h"

namespace ns {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class TaskStoreTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    store_.reset();
    store_ = TaskStore::Open(folder_.path() / "task.db", clock_).value();
  }

  SubmittedTask Submit(const std::string& id, int priority = 2, const std::string& key = "") {
    std::promise<Result<SubmittedTask>> made;
    NewTask task;
    task.id = id;
    task.priority = priority;
    task.spec_json = R"({"labels": {"user": "ann"}})";
    task.idempotency_key = key;
    task.submitted = clock_.wall();
    store_->Submit(task, [&](Result<SubmittedTask> result) { made.set_value(std::move(result)); });
    return made.get_future().get().value();
  }
  template <typename Call>
  Status Await(Call call) {
    std::promise<Status> done;
    call([&](Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }
  Status Begin(const std::string& id, int attempt) {
    return Await([&](auto done) { store_->BeginAttempt(id, attempt, 0, done); });
  }
  Status Append(const std::string& id, int attempt, std::vector<TaskEvent> events) {
    return Await([&](auto done) { store_->AppendEvents(id, attempt, std::move(events), done); });
  }
  Status Finish(const std::string& id, int attempt, TaskEnd end) {
    return Await([&](auto done) { store_->Finish(id, attempt, std::move(end), done); });
  }

  TempDir folder_ = TempDir::Create("ns_store_").value();
  FakeClock clock_;
  std::unique_ptr<TaskStore> store_;
};

TaskEvent Stage(uint64_t seq, const std::string& name) { return {seq, WallTime(), StageEvent{name}}; }
TaskEvent Progress(uint64_t seq, double done) { return {seq, WallTime(), ProgressEvent{"s", done, 10, {}}}; }

std::vector<std::string> Stages(const std::vector<TaskEvent>& events) {
  std::vector<std::string> names;
  for (const TaskEvent& event : events) {
    if (auto* stage = std::get_if<StageEvent>(&event.payload)) names.push_back(stage->stage);
  }
  return names;
}

TEST_F(TaskStoreTest, WhatWasAcknowledgedIsThereAfterReopening) {
  Submit("a");
  ASSERT_TRUE(Begin("a", 1).ok());
  ASSERT_TRUE(Finish("a", 1, {TaskState::kDone, "", "", ResultEvent{true, "v", "f1", 0.5, 1, 2}}).ok());
  Reopen();
  TaskRecord task = store_->Get("a").value();
  EXPECT_EQ(task.state, TaskState::kDone);
  EXPECT_EQ(task.result->accuracy, 0.5);
  EXPECT_EQ(store_->Get("b").status().reason(), "UNKNOWN_TASK");
}

TEST_F(TaskStoreTest, AStaleAttemptCannotChangeATask) {
  Submit("a");
  ASSERT_TRUE(Begin("a", 1).ok());
  EXPECT_EQ(Begin("a", 1).reason(), "STALE_ATTEMPT");
  ASSERT_TRUE(Await([&](auto done) { store_->Requeue("a", 1, true, "lost", done); }).ok());
  EXPECT_EQ(Append("a", 1, {Stage(1, "late")}).reason(), "STALE_ATTEMPT");
  ASSERT_TRUE(Begin("a", 2).ok());
  EXPECT_EQ(Finish("a", 1, {TaskState::kDone, "", "", {}}).reason(), "STALE_ATTEMPT");
  EXPECT_TRUE(Finish("a", 2, {TaskState::kFailed, "R", "m", {}}).ok());
  EXPECT_EQ(Finish("a", 2, {TaskState::kDone, "", "", {}}).reason(), "STALE_ATTEMPT");
  EXPECT_EQ(store_->Get("a")->state, TaskState::kFailed);
  EXPECT_EQ(store_->Get("a")->lost, 1);
}

TEST_F(TaskStoreTest, EventsSentTwiceAreStoredOnce) {
  Submit("a");
  ASSERT_TRUE(Begin("a", 1).ok());
  ASSERT_TRUE(Append("a", 1, {Stage(1, "x"), Stage(2, "y")}).ok());
  ASSERT_TRUE(Append("a", 1, {Stage(1, "x"), Stage(2, "y"), Stage(3, "z")}).ok());
  EXPECT_THAT(Stages(store_->Events("a", 0, 100).value()), ElementsAre("x", "y", "z"));
  EXPECT_EQ(store_->LastWorkerSeq("a", 1).value(), 3u);
}

TEST_F(TaskStoreTest, EventsAreNumberedOverAllAttemptsWithoutGaps) {
  Submit("a");
  ASSERT_TRUE(Begin("a", 1).ok());
  ASSERT_TRUE(Append("a", 1, {Progress(1, 1), Progress(2, 2), Stage(3, "x")}).ok());
  ASSERT_TRUE(Await([&](auto done) { store_->Requeue("a", 1, true, "lost", done); }).ok());
  ASSERT_TRUE(Begin("a", 2).ok());
  ASSERT_TRUE(Append("a", 2, {Stage(1, "x again")}).ok());
  auto events = store_->Events("a", 0, 100).value();
  // submitted, running, the second progress, x, requeued, running, x again
  ASSERT_THAT(events, SizeIs(7));
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq, i + 1);
  EXPECT_EQ(std::get<ProgressEvent>(events[2].payload).done, 2);
  EXPECT_THAT(store_->Events("a", 5, 100).value(), SizeIs(2));
}

TEST_F(TaskStoreTest, AFloodOfEventsIsCutAndSaysSoAndTheEndIsStillTaken) {
  Submit("a");
  ASSERT_TRUE(Begin("a", 1).ok());
  std::vector<TaskEvent> flood;
  uint64_t seq = 0;
  for (int i = 0; i < 12'000; ++i) flood.push_back({++seq, WallTime(), NoteEvent{"n"}});
  ASSERT_TRUE(Append("a", 1, flood).ok());
  flood.clear();
  for (int i = 0; i < 12'000; ++i) flood.push_back({++seq, WallTime(), TrialEvent{}});
  for (int i = 0; i < 200; ++i) flood.push_back({++seq, WallTime(), StateEvent{TaskState::kFailed, "R", "m", 0}});
  ASSERT_TRUE(Append("a", 1, flood).ok());
  std::vector<TaskEvent> all;
  for (uint64_t after = 0;;) {
    auto page = store_->Events("a", after, 1000).value();
    if (page.empty()) break;
    after = page.back().seq;
    all.insert(all.end(), page.begin(), page.end());
  }
  // submitted, running and 9,998 notes make 10,000; then the note, 9,999 trials, 100 of the last kind
  ASSERT_THAT(all, SizeIs(20'100));
  EXPECT_EQ(std::get<NoteEvent>(all[10'000].payload).text, "this task has 10000 events: further notes, stages and progress are left out");
  EXPECT_TRUE(std::holds_alternative<TrialEvent>(all[19'999].payload));
  EXPECT_TRUE(std::holds_alternative<StateEvent>(all[20'099].payload));
  EXPECT_EQ(store_->LastWorkerSeq("a", 1).value(), 24'200u);
}

TEST_F(TaskStoreTest, TheSameKeyIsTheSameTask) {
  SubmittedTask first = Submit("a", 2, "key");
  SubmittedTask second = Submit("b", 2, "key");
  EXPECT_FALSE(first.existed);
  EXPECT_TRUE(second.existed);
  EXPECT_EQ(second.id, "a");
  EXPECT_EQ(store_->Get("b").status().reason(), "UNKNOWN_TASK");
}

TEST_F(TaskStoreTest, AKeyIsItsOwnersOnlyAndListsFilterByOwner) {
  auto submit = [&](const std::string& id, const std::string& owner) {
    std::promise<Result<SubmittedTask>> made;
    NewTask task;
    task.id = id;
    task.spec_json = "{}";
    task.idempotency_key = "key";
    task.owner = task.submitter = owner;
    store_->Submit(task, [&](Result<SubmittedTask> result) { made.set_value(std::move(result)); });
    return made.get_future().get().value();
  };
  submit("a", "ann");
  EXPECT_FALSE(submit("b", "ben").existed);
  EXPECT_EQ(submit("c", "ann").id, "a");
  ListOptions options;
  options.owner = "ben";
  auto page = store_->List(options).value();
  ASSERT_THAT(page, SizeIs(1));
  EXPECT_EQ(page[0].id, "b");
  EXPECT_EQ(page[0].owner, "ben");
  EXPECT_EQ(page[0].submitter, "ben");
}

TEST_F(TaskStoreTest, ManyWritersAtOnceAllCommit) {
  std::vector<std::future<void>> threads;
  for (int t = 0; t < 8; ++t) {
    threads.push_back(std::async(std::launch::async, [this, t] {
      for (int i = 0; i < 50; ++i) Submit(fmt::format("{}-{}", t, i));
    }));
  }
  for (auto& thread : threads) thread.get();
  EXPECT_EQ(store_->Totals()->in(TaskState::kPending), 400);
}

TEST_F(TaskStoreTest, ListsPageAndFilter) {
  for (const char* id : {"a", "b", "c"}) Submit(id);
  ASSERT_TRUE(Finish("b", 0, {TaskState::kCancelled, "", "", {}}).ok());
  ListOptions options;
  options.limit = 2;
  auto page = store_->List(options).value();
  ASSERT_THAT(page, SizeIs(2));
  options.after = page[1].order;
  EXPECT_EQ(store_->List(options).value()[0].id, "c");
  ListOptions filter;
  filter.state = TaskState::kCancelled;
  filter.label_name = "user";
  filter.label_value = "ann";
  EXPECT_THAT(store_->List(filter).value(), SizeIs(1));
  filter.label_value = "bob";
  EXPECT_THAT(store_->List(filter).value(), SizeIs(0));
}

TEST_F(TaskStoreTest, NodesKeepTheirIdsAndNoIdComesTwice) {
  auto set = [this](std::vector<StoredNode> nodes) {
    std::promise<std::vector<StoredNode>> ended;
    store_->SetNodes(std::move(nodes), [&](auto result) { ended.set_value(std::move(result).value()); });
    return ended.get_future().get();
  };
  std::vector<StoredNode> nodes = set({{0, {"host1", 2, 20}, NodeSource::kHostfile}, {0, {"host2", 4, 20}, NodeSource::kJoined}});
  EXPECT_EQ(nodes[0].id, 1);
  EXPECT_EQ(nodes[1].id, 2);
  nodes.pop_back();
  nodes[0].spec.sockets = 3;
  (void)set(nodes);
  nodes.push_back({0, {"host2", 1, 1}, NodeSource::kJoined});
  EXPECT_EQ(set(nodes)[1].id, 3);
  Reopen();
  nodes = store_->Nodes().value();
  ASSERT_THAT(nodes, SizeIs(2));
  EXPECT_EQ(nodes[0].spec, (NodeSpec{"host1", 3, 20}));
  EXPECT_EQ(nodes[0].source, NodeSource::kHostfile);
  EXPECT_EQ(nodes[1].id, 3);
}

TEST_F(TaskStoreTest, AStoreOfANewerProgramIsLeftAlone) {
  store_.reset();
  auto file = folder_.path() / "task.db";
  {
    auto database = Database::Open(file, false).value();
    ASSERT_TRUE(database->Execute(fmt::format("PRAGMA user_version={}", NewestSchemaVersion() + 1)).ok());
  }
  EXPECT_EQ(TaskStore::Open(file, clock_).status().reason(), "STORE_TOO_NEW");
}

TEST_F(TaskStoreTest, AFullDiskRefusesAndChangesNothing) {
  Submit("a");
  store_.reset();
  auto file = folder_.path() / "task.db";
  auto database = Database::Open(file, false).value();
  // SQLite's own limit stands for the disk's: the store may not grow.
  ASSERT_TRUE(database->Execute("PRAGMA max_page_count=1").ok());
  std::string big(1 << 20, 'x');
  {  // a statement must not outlive its database
    auto statement = database->Prepare("INSERT INTO tasks(id, state, priority, spec, submitted) VALUES('b', 'pending', 2, ?, 0)").value();
    Status status = statement.Bind(big).Run();
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(status.reason(), "DISK_FULL");
  }
  database.reset();
  Reopen();
  EXPECT_THAT(store_->List({}).value(), SizeIs(1));
}

}  // namespace
}  // namespace ns
