#include "worker/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace ns {
namespace {

TEST(RunParallelTest, DoesEachJobOnce) {
  std::vector<std::atomic<int>> calls(1000);
  NullProgress progress;
  Status status =
      RunParallel(1000, 4, [&](int64_t job) { return ++calls[static_cast<size_t>(job)], OkStatus(); }, progress, {});
  ASSERT_TRUE(status.ok());
  for (auto& count : calls) EXPECT_EQ(count.load(), 1);
}

TEST(RunParallelTest, NoJobsIsNoFailure) {
  NullProgress progress;
  EXPECT_TRUE(RunParallel(0, 4, [](int64_t) { return Internal("never"); }, progress, {}).ok());
}

TEST(RunParallelTest, ReturnsAFailureAndBeginsNoFurtherJob) {
  std::atomic<int> calls{0};
  NullProgress progress;
  auto job = [&](int64_t number) {
    ++calls;
    return number == 3 ? InvalidArgument("row 3", "BAD_VALUE") : OkStatus();
  };
  Status status = RunParallel(100000, 2, job, progress, {});
  EXPECT_EQ(status.reason(), "BAD_VALUE");
  EXPECT_LT(calls.load(), 100000);
}

TEST(RunParallelTest, StopsWhenAsked) {
  std::stop_source source;
  NullProgress progress;
  auto job = [&](int64_t number) {
    if (number == 5) source.request_stop();
    return OkStatus();
  };
  EXPECT_EQ(RunParallel(100000, 2, job, progress, source.get_token()).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace ns
