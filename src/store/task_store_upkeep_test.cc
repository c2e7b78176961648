#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/file.h"
#include "base/testing/fake_clock.h"
#include "store/damage_check.h"
#include "store/task_store.h"

namespace ns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class UpkeepTest : public testing::Test {
 protected:
  UpkeepTest() { Reopen(); }
  void Reopen() {
    store_.reset();
    store_ = TaskStore::Open(file_, clock_).value();
  }
  template <typename Call>
  Status Await(Call call) {
    std::promise<Status> done;
    call([&](Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }
  void Submit(const std::string& id) {
    std::promise<Result<SubmittedTask>> made;
    NewTask task;
    task.id = id;
    task.spec_json = "{}";
    task.submitted = clock_.wall();
    store_->Submit(task, [&](Result<SubmittedTask> result) { made.set_value(std::move(result)); });
    EXPECT_TRUE(made.get_future().get().ok());
  }
  void Begin(const std::string& id) {
    EXPECT_TRUE(Await([&](auto done) { store_->BeginAttempt(id, 1, 0, done); }).ok());
  }
  void End(const std::string& id, int attempt = 0) {
    clock_.Advance(std::chrono::seconds(1));
    EXPECT_TRUE(Await([&](auto done) { store_->Finish(id, attempt, {TaskState::kCancelled, "", "", {}}, done); }).ok());
  }
  int64_t Remove(const std::vector<std::string>& ids) {
    std::promise<Result<int64_t>> removed;
    store_->Remove(ids, [&](Result<int64_t> result) { removed.set_value(std::move(result)); });
    return removed.get_future().get().value();
  }
  std::vector<std::string> Kept() {
    std::vector<std::string> ids;
    std::vector<TaskRecord> tasks = store_->List({}).value();
    for (const TaskRecord& task : tasks) ids.push_back(task.id);
    return ids;
  }

  TempDir folder_ = TempDir::Create("ns_upkeep_").value();
  std::filesystem::path file_ = folder_.path() / "task.db";
  FakeClock clock_;
  std::unique_ptr<TaskStore> store_;
};

TEST_F(UpkeepTest, OnlyWhatHasEndedAndWhoseWorkerHasIsRemoved) {
  for (const char* id : {"ended", "waits", "worker"}) Submit(id);
  End("ended");
  Begin("worker");
  End("worker", 1);  // cancelled, but its worker has not ended yet
  EXPECT_EQ(Remove({"ended", "waits", "worker", "unknown"}), 1);
  EXPECT_THAT(Kept(), ElementsAre("waits", "worker"));
  EXPECT_EQ(store_->Get("ended").status().reason(), "UNKNOWN_TASK");
  EXPECT_THAT(store_->Events("ended", 0, 10).value(), IsEmpty());
  ASSERT_TRUE(Await([&](auto done) { store_->CloseAttempt("worker", 1, "lost", done); }).ok());
  EXPECT_EQ(Remove({"worker"}), 1);
}

TEST_F(UpkeepTest, ATaskWhoseFilesChangedIsMeasuredAgain) {
  Submit("a");
  End("a");
  EXPECT_THAT(store_->Unmeasured(10).value(), ElementsAre("a"));
  EXPECT_TRUE(Await([&](auto done) { store_->SetBytes({{"a", 500}}, done); }).ok());
  EXPECT_THAT(store_->Unmeasured(10).value(), IsEmpty());
  EXPECT_TRUE(Await([&](auto done) { store_->ForgetBytes("a", done); }).ok());
  EXPECT_THAT(store_->Unmeasured(10).value(), ElementsAre("a"));
  EXPECT_EQ(store_->Totals()->bytes, 0u);
  EXPECT_TRUE(Await([&](auto done) { store_->SetBytes({{"a", 900}}, done); }).ok());
  EXPECT_EQ(store_->Totals()->bytes, 900u);
}

TEST_F(UpkeepTest, TheLabelsOfWhatWasRemovedGoWithIt) {
  auto labels = [&] {
    auto database = Database::Open(file_, true).value();
    Statement rows = database->Prepare("SELECT count(*) FROM task_labels").value();
    EXPECT_TRUE(rows.Step().value());
    return rows.Int(0);
  };
  NewTask task;
  task.id = "a";
  task.spec_json = R"({"labels":{"user":"ann","team":"x"}})";
  task.submitted = clock_.wall();
  store_->Submit(task, [](auto) {});
  store_->Finish("a", 0, {TaskState::kCancelled, "", "", std::nullopt}, [](auto) {});
  store_->Flush();
  EXPECT_EQ(labels(), 2);
  EXPECT_EQ(Remove({"a"}), 1);
  EXPECT_EQ(labels(), 0);
}

TEST_F(UpkeepTest, WhatWasRemovedIsLeftOverUntilItsFilesAreGone) {
  Submit("a");
  End("a");
  EXPECT_EQ(Remove({"a"}), 1);
  Reopen();
  EXPECT_THAT(store_->Leftovers(10).value(), ElementsAre("a"));
  ASSERT_TRUE(Await([&](auto done) { store_->ForgetLeftovers({"a"}, done); }).ok());
  EXPECT_THAT(store_->Leftovers(10).value(), IsEmpty());
}

TEST_F(UpkeepTest, TotalsFollowEveryChange) {
  for (const char* id : {"a", "b", "c"}) Submit(id);
  Begin("b");
  End("c");
  StoreTotals totals = store_->Totals().value();
  EXPECT_EQ(totals.in(TaskState::kPending), 1);
  EXPECT_EQ(totals.in(TaskState::kRunning), 1);
  EXPECT_EQ(totals.in(TaskState::kCancelled), 1);
  EXPECT_THAT(store_->Unmeasured(10).value(), ElementsAre("c"));
  ASSERT_TRUE(Await([&](auto done) { store_->SetBytes({{"c", 5000}}, done); }).ok());
  EXPECT_THAT(store_->Unmeasured(10).value(), IsEmpty());
  EXPECT_EQ(store_->Totals()->bytes, 5000u);
  EXPECT_EQ(store_->LongestEnded(1).value()[0].bytes, 5000u);
  Remove({"c"});
  EXPECT_EQ(store_->Totals()->bytes, 0u);
  EXPECT_EQ(store_->Totals()->ended(), 0);
}

TEST_F(UpkeepTest, TheLongestEndedComesFirst) {
  for (const char* id : {"a", "b", "c"}) Submit(id);
  for (const char* id : {"b", "c", "a"}) End(id);
  std::vector<std::string> ids;
  std::vector<EndedTask> tasks = store_->LongestEnded(2).value();
  for (const EndedTask& task : tasks) ids.push_back(task.id);
  EXPECT_THAT(ids, ElementsAre("b", "c"));
}

TEST_F(UpkeepTest, TheSpaceOfWhatWasRemovedIsUsedAgain) {
  auto fill = [&](int round) {
    std::vector<std::string> ids;
    for (int i = 0; i < 200; ++i) {
      NewTask task;
      task.id = ids.emplace_back(fmt::format("{}-{}", round, i));
      task.spec_json = std::string(1'000, ' ');
      store_->Submit(task, [](Result<SubmittedTask>) {});
      store_->Finish(task.id, 0, {TaskState::kCancelled, "", "", {}}, {});
    }
    EXPECT_EQ(Remove(ids), 200);
    ASSERT_TRUE(Await([&](auto done) { store_->ForgetLeftovers(ids, done); }).ok());
    Reopen();  // closed: all is in the file
  };
  fill(0);
  auto size = std::filesystem::file_size(file_);
  for (int round = 1; round < 4; ++round) fill(round);
  EXPECT_LE(std::filesystem::file_size(file_), size + 64 * 1024);
}

TEST_F(UpkeepTest, ARecordIsNeverOlderThanTheWriteThatWasAnswered) {
  Submit("a");
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) (void)store_->Get("a");
  });
  Begin("a");
  for (uint64_t seq = 1; seq <= 50; ++seq) {
    std::vector<TaskEvent> one{{seq, clock_.wall(), NoteEvent{"n", false}}};
    ASSERT_TRUE(Await([&](auto done) { store_->AppendEvents("a", 1, one, done); }).ok());
    ASSERT_EQ(store_->Get("a")->events, static_cast<int64_t>(seq + 2));  // after "pending" and "running"
  }
  stop = true;
  reader.join();
}

TEST_F(UpkeepTest, OfProgressOnlyTheNewestStaysAndNumbersGoOn) {
  Submit("a");
  Begin("a");
  for (uint64_t seq = 1; seq <= 20; ++seq) {
    std::vector<TaskEvent> one{{seq, clock_.wall(), ProgressEvent{"s", static_cast<double>(seq), 20, {}}}};
    ASSERT_TRUE(Await([&](auto done) { store_->AppendEvents("a", 1, one, done); }).ok());
  }
  auto events = store_->Events("a", 0, 100).value();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].seq, 22u);
  EXPECT_EQ(std::get<ProgressEvent>(events[2].payload).done, 20);
  EXPECT_THAT(store_->Events("a", 10, 100).value(), SizeIs(1)) << "who has read up to 10 gets the newest";
}

TEST_F(UpkeepTest, AFullEventLogSaysSoAndTakesOnlyWhatIsNeeded) {
  Submit("a");
  Begin("a");
  std::vector<TaskEvent> notes;
  for (uint64_t seq = 1; seq <= 10'000; ++seq) notes.push_back({seq, clock_.wall(), NoteEvent{"n", false}});
  ASSERT_TRUE(Await([&](auto done) { store_->AppendEvents("a", 1, notes, done); }).ok());
  std::vector<TaskEvent> more{{10'001, clock_.wall(), NoteEvent{"left out", false}}, {10'002, clock_.wall(), TrialEvent{1, "kept", "f1", 1, 1, {}, {}, true, true}}};
  ASSERT_TRUE(Await([&](auto done) { store_->AppendEvents("a", 1, more, done); }).ok());
  auto events = store_->Events("a", 10'000, 100).value();  // two of the service, 9,998 notes, then:
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_TRUE(std::get<NoteEvent>(events[0].payload).warning);
  EXPECT_EQ(std::get<TrialEvent>(events[1].payload).configuration, "kept");
  EXPECT_EQ(store_->LastWorkerSeq("a", 1).value(), 10'002u);
}

TEST_F(UpkeepTest, DamageIsFoundAfterAnUncleanEndAndMakesTheStoreUnhealthy) {
  for (int i = 0; i < 500; ++i) {
    NewTask task;
    task.id = std::to_string(i);
    task.spec_json = "{}";
    store_->Submit(task, [](Result<SubmittedTask>) {});
  }
  store_.reset();
  EXPECT_FALSE(EndedUncleanly(file_));
  {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 10);
    file << std::string(4096 * 3, 'x');
  }
  DamageCheck check(Database::Open(file_, true).value());
  check.Wait();
  EXPECT_EQ(check.found().code(), StatusCode::kDataLoss);
  EXPECT_EQ(check.found().reason(), "STORE_DAMAGED");
}

TEST_F(UpkeepTest, ACopyTakenWhileTheStoreIsOpenCountsAsNotClosed) {
  for (int i = 0; i < 20; ++i) Submit(std::to_string(i));
  std::filesystem::path copy = folder_.path() / "copy.db";  // as a killed process leaves it
  std::filesystem::copy_file(file_, copy);
  std::filesystem::copy_file(file_.string() + "-wal", copy.string() + "-wal");
  EXPECT_TRUE(EndedUncleanly(copy));
  auto store = TaskStore::Open(copy, clock_).value();
  EXPECT_TRUE(store->health().ok());
  EXPECT_THAT(store->List({}).value(), SizeIs(20));
}

TEST_F(UpkeepTest, AWritableStoreIsReady) {
  EXPECT_TRUE(Await([&](auto done) { store_->CheckWritable(done); }).ok());
  EXPECT_TRUE(store_->health().ok());
}

}  // namespace
}  // namespace ns
