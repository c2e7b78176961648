#include "service/task_writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace ns {
namespace {

using testing::ElementsAre;

class TaskWritesTest : public testing::Test {
 protected:
  // A write that is noted when it has worked; it fails while its name is in full_.
  void Add(const std::string& task, const std::string& name) {
    writes_.Add(task, name, [this, name](TaskWrites::Done done) {
      if (full_.contains(name)) return done(ResourceExhausted("no room", "DISK_FULL"));
      made_.push_back(name);
      done(OkStatus());
    });
  }
  void Run() {
    while (!messages_.empty()) {
      auto batch = std::exchange(messages_, {});
      for (auto& message : batch) message();
    }
  }
  void Wait() {
    for (auto& message : std::exchange(later_, {})) message();
    Run();
  }

  std::vector<TaskWrites::Message> messages_, later_;
  std::vector<std::string> made_;
  std::set<std::string> full_;
  TaskWrites writes_{{[this](TaskWrites::Message message) { messages_.push_back(std::move(message)); },
                      [this](std::chrono::milliseconds, TaskWrites::Message message) { later_.push_back(std::move(message)); }}};
};

TEST_F(TaskWritesTest, ALaterWriteWaitsForOneThatIsRepeated) {
  full_ = {"first"};
  Add("a", "first");
  Add("a", "second");
  Run();
  Wait();
  EXPECT_THAT(made_, ElementsAre());
  full_.clear();
  Wait();
  EXPECT_THAT(made_, ElementsAre("first", "second"));
  EXPECT_TRUE(later_.empty());
}

TEST_F(TaskWritesTest, AnotherTaskDoesNotWait) {
  full_ = {"first"};
  Add("a", "first");
  Add("b", "other");
  Run();
  EXPECT_THAT(made_, ElementsAre("other"));
}

TEST_F(TaskWritesTest, AWriteThatFailsForGoodIsToldAndTheNextIsMade) {
  Status told;
  writes_.Add("a", "x", [](TaskWrites::Done done) { done(FailedPrecondition("old", "STALE_ATTEMPT")); },
              [&](Status status) { told = std::move(status); });
  Add("a", "next");
  Run();
  EXPECT_EQ(told.reason(), "STALE_ATTEMPT");
  EXPECT_THAT(made_, ElementsAre("next"));
}

TEST_F(TaskWritesTest, AFaultOfTheStoreIsNotTakenForItsAnswer) {
  std::vector<Status> answers = {OkStatus(), Internal("out of order", "STORE_ERROR"), Status(StatusCode::kDataLoss, "torn", "STORE_DAMAGED")};
  Status told = Internal("not told", "");
  writes_.Add("a", "x", [&](TaskWrites::Done done) {
    Status next = answers.back();
    answers.pop_back();
    done(next);
  }, [&](Status status) { told = std::move(status); });
  Run();
  EXPECT_EQ(answers.size(), 2u);
  Wait();
  Wait();
  EXPECT_TRUE(told.ok());
  EXPECT_TRUE(later_.empty());
}

TEST_F(TaskWritesTest, ADelayIsToldOnceToEachThatAsksBehindTheFailingOne) {
  full_ = {"first"};
  Add("a", "first");
  std::vector<std::string> told;
  auto add = [&](const std::string& name) {
    writes_.Add("a", name, [](TaskWrites::Done done) { done(OkStatus()); }, [&told, name](Status) { told.push_back(name + " made"); },
                [&told, name](Status status) { told.push_back(name + " " + status.reason()); });
  };
  add("early");
  Run();
  EXPECT_THAT(told, ElementsAre("early DISK_FULL"));
  add("late");
  Wait();
  EXPECT_THAT(told, ElementsAre("early DISK_FULL", "late DISK_FULL"));
  full_.clear();
  Wait();
  EXPECT_THAT(told, ElementsAre("early DISK_FULL", "late DISK_FULL", "early made", "late made"));
}

TEST_F(TaskWritesTest, IsIdleWhenAllIsMadeOrFailing) {
  EXPECT_TRUE(writes_.idle());
  full_ = {"first"};
  Add("a", "first");
  EXPECT_FALSE(writes_.idle());
  Run();
  EXPECT_TRUE(writes_.idle());  // a full disk must not keep the service from stopping
  full_.clear();
  Wait();
  EXPECT_TRUE(writes_.idle());
}

}  // namespace
}  // namespace ns
