#include "store/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "base/file.h"
#include "base/testing/fake_clock.h"
#include "store/task_store.h"

namespace ns {
namespace {

using testing::SizeIs;

// testdata/version1.db was written by the program whose schema was version 1: a task that is done, one that failed, two that wait (each
// was interrupted once, the first has the key "key-1"), one that was cancelled before it started.
class MigrationsTest : public testing::Test {
 protected:
  MigrationsTest() { std::filesystem::copy_file(std::filesystem::path(NS_SOURCE_DIR) / "src/store/testdata/version1.db", file_); }

  TempDir folder_ = TempDir::Create("ns_migrations_").value();
  std::filesystem::path file_ = folder_.path() / "task.db";
  FakeClock clock_;
};

TEST_F(MigrationsTest, AStoreOfTheFirstVersionKeepsAllItHolds) {
  auto store = TaskStore::Open(file_, clock_).value();
  TaskRecord done = store->Get("629c8d16562c44d88f8277bc72457344").value();
  EXPECT_EQ(done.state, TaskState::kDone);
  EXPECT_EQ(done.priority, 1);
  EXPECT_EQ(done.result->accuracy, 0.89123456);
  EXPECT_EQ(done.model_path, "/srv/models/model.onnx");
  EXPECT_THAT(store->Events(done.id, 0, 100).value(), SizeIs(9));
  TaskRecord failed = store->Get("8980c409c5c54a408b25663a48f3f891").value();
  EXPECT_EQ(failed.reason, "BAD_DATA");
  EXPECT_EQ(failed.message, "column 'label' is missing");
  TaskRecord waiting = store->Get("43a3742db2564d5f802e71c49becae1d").value();
  EXPECT_EQ(waiting.state, TaskState::kPending);
  EXPECT_EQ(waiting.attempt, 1);
  EXPECT_EQ(waiting.lost, 0);
  StoreTotals totals = store->Totals().value();
  EXPECT_EQ(totals.in(TaskState::kPending), 2);
  EXPECT_EQ(totals.in(TaskState::kRunning), 0);
  EXPECT_EQ(totals.ended(), 3);
  EXPECT_THAT(store->LongestEnded(10).value(), SizeIs(3));
}

TEST_F(MigrationsTest, WhatWaitedInTheFirstVersionRunsInThis) {
  auto store = TaskStore::Open(file_, clock_).value();
  std::promise<Status> begun;
  store->BeginAttempt("43a3742db2564d5f802e71c49becae1d", 2, 0, [&](Status status) { begun.set_value(std::move(status)); });
  EXPECT_TRUE(begun.get_future().get().ok());
  EXPECT_EQ(store->Events("43a3742db2564d5f802e71c49becae1d", 29, 100)->size(), 1u);
  NewTask again;
  again.id = "0";
  again.spec_json = "{}";
  again.idempotency_key = "key-1";
  std::promise<Result<SubmittedTask>> found;
  store->Submit(again, [&](Result<SubmittedTask> result) { found.set_value(std::move(result)); });
  EXPECT_EQ(found.get_future().get()->id, "43a3742db2564d5f802e71c49becae1d");
}

TEST_F(MigrationsTest, LabelsOfEarlierVersionsAreFound) {
  {
    auto old = Database::Open(file_, false).value();
    ASSERT_TRUE(old->Execute(R"(UPDATE tasks SET spec='{"model": "m", "labels": {"user": "ann", "team": "x"}}' WHERE seq IN (2, 4))").ok());
    ASSERT_TRUE(old->Execute("UPDATE tasks SET spec='torn' WHERE seq=3").ok());
    ASSERT_TRUE(Migrate(*old).ok());
    Statement rows = old->Prepare("SELECT group_concat(label || '=' || value || ' ' || task, ', ') FROM task_labels").value();
    ASSERT_TRUE(rows.Step().value());
    EXPECT_EQ(rows.Text(0), "team=x 2, team=x 4, user=ann 1, user=ann 2, user=ann 4");  // the first had its label
  }
  ListOptions filter;
  filter.label_name = "team";
  filter.label_value = "x";
  auto store = TaskStore::Open(file_, clock_).value();
  EXPECT_THAT(store->List(filter).value(), SizeIs(2));
}

TEST_F(MigrationsTest, EveryVersionOnTheWayLeadsToTheSameTables) {
  auto schema = [](Database& database) {
    Statement query = database.Prepare("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master ORDER BY name)").value();
    EXPECT_TRUE(query.Step().value());
    return query.Text(0);
  };
  auto old = Database::Open(file_, false).value();
  ASSERT_TRUE(Migrate(*old).ok());
  auto fresh = Database::Open(folder_.path() / "new.db", false).value();
  ASSERT_TRUE(Migrate(*fresh).ok());
  EXPECT_EQ(schema(*old), schema(*fresh));
  ASSERT_TRUE(Migrate(*old).ok()) << "again: nothing to do";
  EXPECT_EQ(schema(*old), schema(*fresh));
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheStoreInItsOldVersion) {
  auto database = Database::Open(file_, false).value();
  ASSERT_TRUE(database->Execute("CREATE TABLE totals(x)").ok());  // in the way of a later step
  EXPECT_FALSE(Migrate(*database).ok());
  Statement version = database->Prepare("PRAGMA user_version").value();
  ASSERT_TRUE(version.Step().value());
  EXPECT_LT(version.Int(0), NewestSchemaVersion());
  Statement columns = database->Prepare("SELECT count(*) FROM pragma_table_info('tasks') WHERE name='event_rows'").value();
  ASSERT_TRUE(columns.Step().value());
  EXPECT_EQ(columns.Int(0), 0) << "half a step was kept";
}

}  // namespace
}  // namespace ns
