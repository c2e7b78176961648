#include "executors/mpi_nodes.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ns {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

struct Told {
  int64_t node;
  bool up;
  std::string why;
  bool operator==(const Told&) const = default;
};

class Listener final : public ExecutorListener {
 public:
  void OnEvents(const WorkerId&, std::vector<TaskEvent>) override {}
  void OnExit(const WorkerId&, const WorkerExit&) override {}
  void OnNode(int64_t node, bool up, const std::string& why) override { told.push_back({node, up, why}); }
  std::vector<Told> told;
};

class MpiNodesTest : public testing::Test {
 protected:
  // Lets all that is due begin and end.
  void Look(steady_clock::time_point now) {
    for (int round = 0; round < 100; ++round) {
      nodes_.Look(now, listener_);
      ::usleep(5'000);
    }
  }
  std::vector<std::string> answer_ = {"/bin/true"};
  Listener listener_;
  MpiNodes nodes_{[this](const NodeSpec&) { return answer_; }, {}};
  const steady_clock::time_point start_ = steady_clock::now();
};

TEST_F(MpiNodesTest, ANodeThatAnswersIsNotSpokenOf) {
  nodes_.Add(1, {"a", 1, 1});
  Look(start_);
  EXPECT_TRUE(listener_.told.empty());
}

TEST_F(MpiNodesTest, ANodeThatSaysWhatIsMissingIsDownUntilItAnswersAgain) {
  answer_ = {"/bin/sh", "-c", "echo ------; echo 'no room'; exit 1"};
  nodes_.Add(1, {"a", 1, 1});
  Look(start_);
  EXPECT_EQ(listener_.told, (std::vector<Told>{{1, false, "no room"}}));
  answer_ = {"/bin/true"};
  Look(start_ + MpiNodes::Pause(1));
  EXPECT_EQ(listener_.told.back(), (Told{1, true, ""}));
}

TEST_F(MpiNodesTest, WhatMpirunDecoratesItsWordsWithIsNotTold) {
  answer_ = {"/bin/sh", "-c", "printf -- '-----\\n  no route to host\\r\\n' >&2; exit 255"};
  nodes_.Add(1, {"a", 1, 1});
  Look(start_);
  EXPECT_EQ(listener_.told, (std::vector<Told>{{1, false, "no route to host"}}));
}

TEST_F(MpiNodesTest, ANodeWhereAWorkerWasLostIsDownAndTriedAtOnce) {
  nodes_.Add(1, {"a", 1, 1});
  Look(start_);
  nodes_.Suspect(1, "mpirun ended with exit code 205", listener_);
  ASSERT_EQ(listener_.told.size(), 1u);
  EXPECT_FALSE(listener_.told[0].up);
  Look(start_);
  EXPECT_EQ(listener_.told.back(), (Told{1, true, ""}));
}

// 1, 2, 4, 8, 16, then half a minute.
TEST_F(MpiNodesTest, TriesGrowRarerUpToHalfAMinute) {
  std::vector<int> pauses;
  for (int failures = 1; failures <= 7; ++failures) pauses.push_back(static_cast<int>(MpiNodes::Pause(failures) / seconds(1)));
  EXPECT_EQ(pauses, (std::vector<int>{1, 2, 4, 8, 16, 30, 30}));
  EXPECT_EQ(MpiNodes::Pause(0), seconds(30));
}

}  // namespace
}  // namespace ns
