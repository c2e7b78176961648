#include "worker/work_marks.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tasks/keeping_file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class WorkMarksTest : public testing::Test {
 protected:
  // As the supervisor does when the worker was killed for its memory.
  void Kill() { fs::rename(folder_.path() / kInWorkFileName, folder_.path() / kOutOfMemoryFileName); }
  static constexpr WallTime kStart{std::chrono::seconds(1'000'000'000)};
  TempDir folder_ = TempDir::Create("ns-marks-").value();
};

TEST_F(WorkMarksTest, WhatIsDoneLeavesNothing) {
  WorkMarks marks(folder_.path(), kStart);
  {
    WorkMarks::Mark mark = marks.Begin("evaluate a");
    EXPECT_TRUE(fs::exists(folder_.path() / kInWorkFileName));
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_EQ(WorkMarks(folder_.path(), kStart).Killed("evaluate a"), 0);
}

TEST_F(WorkMarksTest, EachKillCountsForWhatWasInWork) {
  auto killed_with = [&](const std::string& piece) {
    WorkMarks marks(folder_.path(), kStart);
    { WorkMarks::Mark done = marks.Begin("done before"); }
    WorkMarks::Mark mark = marks.Begin(piece);
    Kill();
  };
  killed_with("evaluate a\nof two lines");
  killed_with("rank b");
  killed_with("evaluate a\nof two lines");
  WorkMarks last(folder_.path(), kStart + std::chrono::seconds(7));
  EXPECT_EQ(last.Killed("evaluate a\nof two lines"), 2);
  EXPECT_EQ(last.Killed("rank b"), 1);
  EXPECT_EQ(last.Killed("done before"), 0);
  EXPECT_EQ(last.spent(), std::chrono::seconds(7)) << "since the first of them started";
}

TEST_F(WorkMarksTest, WithoutAFolderNothingIsMarked) {
  WorkMarks marks;
  WorkMarks::Mark mark = marks.Begin("evaluate a");
  EXPECT_EQ(marks.Killed("evaluate a"), 0);
  EXPECT_FALSE(fs::exists(kInWorkFileName));
}

}  // namespace
}  // namespace ns
