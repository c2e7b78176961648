#include "store/writer.h"

#include <gtest/gtest.h>

#include <future>

#include "base/file.h"

namespace ns {
namespace {

class GroupCommitterTest : public testing::Test {
 protected:
  GroupCommitterTest() {
    auto database = Database::Open(folder_.path() / "x.db", false).value();
    EXPECT_TRUE(database->Execute("CREATE TABLE t(x TEXT); PRAGMA max_page_count=20;").ok());  // 80 KiB: a small disk
    committer_ = std::make_unique<GroupCommitter>(std::move(database));
  }
  std::future<Status> Insert(const std::string& text, bool fail = false) {
    auto promise = std::make_shared<std::promise<Status>>();
    committer_->Queue(
        [text, fail](Database& database) -> Status {
          NS_ASSIGN_OR_RETURN(Statement insert, database.Prepare("INSERT INTO t VALUES(?)"));
          NS_RETURN_IF_ERROR(insert.Bind(text).Run());
          return fail ? InvalidArgument("no") : OkStatus();
        },
        [promise](Status status) { promise->set_value(std::move(status)); });
    return promise->get_future();
  }
  int64_t Rows() {
    auto database = Database::Open(folder_.path() / "x.db", true).value();
    Statement query = database->Prepare("SELECT count(*) FROM t").value();
    EXPECT_TRUE(query.Step().value());
    return query.Int(0);
  }

  TempDir folder_ = TempDir::Create("ns_writer_").value();
  std::unique_ptr<GroupCommitter> committer_;
};

TEST_F(GroupCommitterTest, AnOperationThatFailsIsUndoneAlone) {
  auto first = Insert("a"), second = Insert("b", /*fail=*/true), third = Insert("c");
  EXPECT_TRUE(first.get().ok());
  EXPECT_EQ(second.get().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(third.get().ok());
  EXPECT_EQ(Rows(), 2);
}

TEST_F(GroupCommitterTest, AFullDiskFailsTheWriteAndTheNextOneWorks) {
  ASSERT_TRUE(Insert("a").get().ok());
  Status full = Insert(std::string(200'000, 'x')).get();
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(full.reason(), "DISK_FULL");
  EXPECT_TRUE(Insert("b").get().ok());
  EXPECT_EQ(Rows(), 2);
}

TEST_F(GroupCommitterTest, AFailureInTheMiddleOfATransactionKeepsTheOthers) {
  // Held back until all are queued, so that they come into one transaction.
  std::promise<void> go;
  committer_->Queue([opened = go.get_future().share()](Database&) { return opened.wait(), OkStatus(); }, {});
  std::vector<std::future<Status>> writes;
  for (int i = 0; i < 10; ++i) writes.push_back(Insert("x", /*fail=*/i % 3 == 1));
  go.set_value();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(writes[static_cast<size_t>(i)].get().ok(), i % 3 != 1) << i;
  EXPECT_EQ(Rows(), 7);
}

TEST_F(GroupCommitterTest, HealthTellsOfTheLastTransaction) {
  EXPECT_FALSE(committer_->WrittenWithin(std::chrono::hours(1)));
  ASSERT_TRUE(Insert("a").get().ok());
  EXPECT_TRUE(committer_->WrittenWithin(std::chrono::hours(1)));
  (void)Insert(std::string(200'000, 'x')).get();
  EXPECT_EQ(committer_->health().reason(), "DISK_FULL");
  EXPECT_FALSE(committer_->WrittenWithin(std::chrono::hours(1)));
  EXPECT_EQ(Insert("b", /*fail=*/true).get().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(committer_->health().ok()) << "an operation that fails is no failure of the store";
}

TEST_F(GroupCommitterTest, TheLogStaysShortUnderALoadWithoutPauses) {
  committer_.reset();
  auto database = Database::Open(folder_.path() / "long.db", false).value();
  ASSERT_TRUE(database->Execute("CREATE TABLE t(x TEXT)").ok());
  committer_ = std::make_unique<GroupCommitter>(std::move(database));
  // 80 MB in all; the log starts over after 48 MB (12,000 pages).
  for (int i = 0; i < 160; ++i) ASSERT_TRUE(Insert(std::string(500'000, 'x')).get().ok());
  EXPECT_LT(std::filesystem::file_size(folder_.path() / "long.db-wal"), 60'000'000u);
}

TEST_F(GroupCommitterTest, NoCommitWaitsForSomebodyWhoReadsForLong) {
  committer_.reset();
  auto database = Database::Open(folder_.path() / "long.db", false).value();
  ASSERT_TRUE(database->Execute("CREATE TABLE t(x TEXT)").ok());
  committer_ = std::make_unique<GroupCommitter>(std::move(database));
  ASSERT_TRUE(Insert("a").get().ok());
  auto reader = Database::Open(folder_.path() / "long.db", true).value();
  auto sees = std::make_unique<ReadTransaction>(*reader);
  {
    Statement query = reader->Prepare("SELECT count(*) FROM t").value();
    ASSERT_TRUE(query.Step().value());
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Insert(std::string(500'000, 'x')).get().ok());  // 12,200 pages of log
  // Each would wait for the reader, 10 s at most.
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Insert("b").get().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  sees.reset();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Insert(std::string(500'000, 'x')).get().ok());
  EXPECT_LT(std::filesystem::file_size(folder_.path() / "long.db-wal"), 80'000'000u) << "once the reader is gone, the log starts over";
}

TEST_F(GroupCommitterTest, WhatWasQueuedIsWrittenBeforeItGoes) {
  for (int i = 0; i < 100; ++i) (void)Insert("x");
  committer_.reset();
  EXPECT_EQ(Rows(), 100);
}

}  // namespace
}  // namespace ns
