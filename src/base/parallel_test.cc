#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace ns {
namespace {

TEST(RunParallelTest, DoesEachJobOnce) {
  std::vector<std::atomic<int>> calls(1000);
  Status status = RunParallel(1000, 4, [&](int, int64_t job) { return ++calls[static_cast<size_t>(job)], OkStatus(); });
  ASSERT_TRUE(status.ok());
  for (auto& count : calls) EXPECT_EQ(count.load(), 1);
}

TEST(RunParallelTest, CallsOfOneWorkerDoNotOverlap) {
  std::vector<std::atomic<int>> inside(3);
  auto job = [&](int worker, int64_t) {
    auto& mine = inside.at(static_cast<size_t>(worker));
    bool alone = ++mine == 1;
    --mine;
    return alone ? OkStatus() : Internal("two at once");
  };
  EXPECT_TRUE(RunParallel(10000, 3, job).ok());
}

TEST(RunParallelTest, NoJobsIsNoFailure) {
  EXPECT_TRUE(RunParallel(0, 4, [](int, int64_t) { return Internal("never"); }).ok());
}

TEST(RunParallelTest, ReturnsAFailureAndBeginsNoFurtherJob) {
  std::atomic<int> calls{0};
  auto job = [&](int, int64_t number) {
    ++calls;
    return number == 3 ? InvalidArgument("row 3", "BAD_VALUE") : OkStatus();
  };
  Status status = RunParallel(100000, 2, job);
  EXPECT_EQ(status.reason(), "BAD_VALUE");
  EXPECT_LT(calls.load(), 100000);
}

TEST(RunParallelTest, StopsWhenAsked) {
  std::stop_source source;
  auto job = [&](int, int64_t number) {
    if (number == 5) source.request_stop();
    return OkStatus();
  };
  EXPECT_EQ(RunParallel(100000, 2, job, {}, source.get_token()).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace ns
