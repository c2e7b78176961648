// The simulated journal does what the real store does: the same writes, sensible and not, have the same outcomes and leave the same state.
#include "journal.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/testing/fake_clock.h"
#include "random.h"
#include "store/task_store.h"

namespace ns::sim {
namespace {

class JournalTest : public testing::Test {
 protected:
  static constexpr int kTasks = 4;
  static std::string Id(int number) { return "t" + std::to_string(number); }

  void Submit(const std::string& id) {
    NewTask task;
    task.id = id;
    task.spec_json = "{}";
    task.submitted = clock_.wall();
    store_->Submit(task, [](Result<SubmittedTask> made) { ASSERT_TRUE(made.ok()); });
    TaskRecord record;
    record.id = id;
    record.spec_json = "{}";
    journal_.Submit(record, [](Result<int64_t> order) { ASSERT_TRUE(order.ok()); });
  }

  // Makes the same write on both, and compares how it ended.
  void Both(const std::string& what, const std::function<void(TaskJournal&, TaskJournal::Done)>& write) {
    Status real, simulated;
    write(*store_, [&](Status status) { real = std::move(status); });
    store_->Flush();
    write(journal_, [&](Status status) { simulated = std::move(status); });
    Settle();
    EXPECT_EQ(real.reason(), simulated.reason()) << what;
  }

  void Settle() {
    journal_.Commit(100, false);
    while (journal_.unacknowledged() > 0) journal_.Acknowledge();
  }

  void RandomWrite(Random& random) {
    std::string id = Id(random.Pick(kTasks));
    int attempt = random.Pick(4);
    WorkerId assistant{id, 1 + random.Pick(2), 1 + random.Pick(20)};
    std::string where = fmt::format("{} attempt {}", id, attempt);
    switch (random.Pick(7)) {
      case 0: case 1: return Both("begin " + where, [&](TaskJournal& j, auto done) { j.BeginAttempt(id, attempt, 7, done); });
      case 2: return Both("requeue " + where, [&](TaskJournal& j, auto done) { j.Requeue(id, attempt, true, "m", done); });
      case 3: {
        if (!random.Chance(30)) return;
        TaskEnd end{random.Chance(50) ? TaskState::kDone : TaskState::kCancelled, "r", "m", std::nullopt};
        return Both("finish " + where, [&](TaskJournal& j, auto done) { j.Finish(id, attempt, end, done); });
      }
      case 4: return Both("close " + where, [&](TaskJournal& j, auto done) { j.CloseAttempt(id, attempt, "lost", done); });
      case 5: {
        uint64_t first = 1 + static_cast<uint64_t>(random.Pick(4));
        std::vector<TaskEvent> events{{first, clock_.wall(), ProgressEvent{"s", 1, 2, {}}}, {first + 1, clock_.wall(), StageEvent{"s"}}};
        return Both("events " + where, [&](TaskJournal& j, auto done) { j.AppendEvents(id, attempt, events, done); });
      }
      default:
        if (random.Chance(50)) return Both("assist " + where, [&](TaskJournal& j, auto done) { j.BeginAssistant(assistant, 9, done); });
        return Both("end assistant " + where, [&](TaskJournal& j, auto done) { j.EndAssistant(assistant, done); });
    }
  }

  std::vector<std::pair<int64_t, std::string>> Waiting(const TaskJournal& journal) {
    std::vector<int64_t> orders;
    EXPECT_TRUE(journal.EachPending([&](const TaskRecord& task) { orders.push_back(task.order); }).ok());
    EXPECT_TRUE(std::is_sorted(orders.begin(), orders.end()));
    orders.push_back(1'000'000);  // there is none
    std::vector<std::pair<int64_t, std::string>> tasks;
    auto pending = journal.Pending(orders).value();
    for (const TaskRecord& task : pending) tasks.emplace_back(task.order, task.id);
    return tasks;
  }
  std::string Open(const TaskJournal& journal) {
    std::multiset<std::string> open;
    auto workers = journal.OpenWorkers().value();
    for (const OpenWorker& one : workers) open.insert(fmt::format("{} {} {} {}", one.id.task_id, one.id.worker, one.id.fence, one.slot));
    return fmt::format("{}", fmt::join(open, ", "));
  }

  // Without progress, of which the store keeps less.
  std::string Types(const TaskJournal& journal, const std::string& id) {
    std::string types;
    auto events = journal.Events(id, 0, 1000).value();
    for (const TaskEvent& event : events) {
      if (!std::holds_alternative<ProgressEvent>(event.payload)) types += fmt::format("{} ", EventTypeName(event.payload));
    }
    return types;
  }

  void Compare() {
    EXPECT_EQ(Open(*store_), Open(journal_));
    EXPECT_EQ(store_->Running()->size(), journal_.Running()->size());
    EXPECT_EQ(Waiting(*store_), Waiting(journal_));
    for (int i = 0; i < kTasks; ++i) {
      TaskRecord real = store_->Get(Id(i)).value(), simulated = journal_.Get(Id(i)).value();
      EXPECT_EQ(real.state, simulated.state) << Id(i);
      EXPECT_EQ(real.attempt, simulated.attempt) << Id(i);
      EXPECT_EQ(real.lost, simulated.lost) << Id(i);
      EXPECT_EQ(real.assistants, simulated.assistants) << Id(i);
      EXPECT_EQ(Types(*store_, Id(i)), Types(journal_, Id(i))) << Id(i);
      for (int attempt = 1; attempt < 4; ++attempt) {
        EXPECT_EQ(store_->LastWorkerSeq(Id(i), attempt).value(), journal_.LastWorkerSeq(Id(i), attempt).value()) << Id(i);
      }
    }
  }

  TempDir folder_ = TempDir::Create("ns_journal_").value();
  FakeClock clock_;
  std::unique_ptr<TaskStore> store_ = TaskStore::Open(folder_.path() / "task.db", clock_).value();
  Journal journal_{clock_, SeededBug::kNone};
};

TEST_F(JournalTest, RandomWritesHaveTheSameOutcomesAsInTheStore) {
  Random random(1);
  for (int i = 0; i < kTasks; ++i) Submit(Id(i));
  Settle();
  store_->Flush();
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    RandomWrite(random);
    if (i % 20 == 0) Compare();
  }
  Compare();
}

}  // namespace
}  // namespace ns::sim
