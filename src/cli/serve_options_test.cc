#include "cli/serve_options.h"

#include <gtest/gtest.h>

#include "cli/wait.h"

namespace ns {
namespace {

TEST(ServeOptionsTest, OwnAddressesAreTheLoopbackOnes) {
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) EXPECT_TRUE(IsOwnAddress(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example"}) EXPECT_FALSE(IsOwnAddress(host)) << host;
}

TEST(ServeOptionsTest, InsecureAndRequiredTokensContradictEachOther) {
  ServeOptions options;
  EXPECT_TRUE(CheckServeOptions(options).ok());
  options.require_tokens = options.insecure = true;
  EXPECT_EQ(CheckServeOptions(options).reason(), "BAD_USAGE");
}

TEST(ServeOptionsTest, TheSamePortTwiceIsRefusedOnlyWhenBothWereGiven) {
  ServeOptions options;
  options.restful_api_port = 8001;  // gRPC's default: not given, so it gives way
  EXPECT_TRUE(CheckServeOptions(options).ok());
  options.given = {"restful_api_port"};
  EXPECT_TRUE(CheckServeOptions(options).ok());
  options.given = {"restful_api_port", "grpc_api_port"};
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
