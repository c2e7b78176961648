#include "cli/serve_options.h"

#include <gtest/gtest.h>

#include "cli/wait.h"

namespace ns {
namespace {

TEST(ServeOptionsTest, AnAddressOpenToOthersNeedsInsecure) {
  ServeOptions options;
  EXPECT_TRUE(CheckServeOptions(options).ok());
  options.host = "0.0.0.0";
  EXPECT_EQ(CheckServeOptions(options).reason(), "NEEDS_INSECURE");
  options.insecure = true;
  EXPECT_TRUE(CheckServeOptions(options).ok());
}

TEST(ServeOptionsTest, TheSamePortTwiceIsRefusedOnlyWhenBothWereGiven) {
  ServeOptions options;
  options.restful_api_port = 8001;  // gRPC's default: not given, so it gives way
  EXPECT_TRUE(CheckServeOptions(options).ok());
  options.restful_api_port = options.grpc_api_port = 9000;
  EXPECT_EQ(CheckServeOptions(options).reason(), "SAME_PORT");
}

TEST(ProgressLineTest, SaysStageShareBestAndTimeLeft) {
  StatusAnswer answer;
  answer.state = TaskState::kRunning;
  answer.progress.stage = "calibrate";
  answer.progress.done = 45;
  answer.progress.total = 100;
  answer.progress.baseline = TrialEvent{0, "fp32", "f1", 0.921, 1, {}, {}, true, false};
  answer.progress.best = TrialEvent{3, "static", "f1", 0.9205, 1, {}, {}, true, true};
  answer.progress.seconds_left = 12;
  EXPECT_EQ(ProgressLine(answer), "calibrate 45% | baseline 0.9210 | best 0.9205 (trial 3) | about 12 s left");
}

}  // namespace
}  // namespace ns
