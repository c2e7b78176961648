#include "worker/session_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

TEST(SessionSearchTest, EachCandidateChangesOneThing) {
  SessionSettings usual{4, false, true, "all"};
  EXPECT_THAT(SessionCandidates({LatencyRun{.threads = 4, .cores = {}}}),
              ElementsAre(usual, SessionSettings{4, true, true, "all"}, SessionSettings{1, false, true, "all"}, SessionSettings{2, false, true, "all"},
                          SessionSettings{4, false, false, "all"}, SessionSettings{4, false, true, "extended"}));
  // One thread waits for nobody; threads that were asked for stay.
  EXPECT_EQ(SessionCandidates({LatencyRun{.threads = 1, .cores = {}}}).size(), 3u);
  EXPECT_EQ(SessionCandidates({.latency = LatencyRun{.threads = 4, .cores = {}}, .fixed_threads = true}).size(), 4u);
}

TEST(SessionSearchTest, SettingsReachTheSession) {
  LatencyRun run{.threads = 2, .cores = {0, 1}};
  SessionOptions options = TimedSession(run, {1, true, false, "extended"});
  EXPECT_EQ(options.threads, 1);
  EXPECT_TRUE(options.spinning);
  EXPECT_FALSE(options.memory_arena);
  EXPECT_EQ(options.optimization, GraphOptimization::kExtended);
}

TEST(SessionSearchTest, OnlyWhatIsSureToGainIsTakenWithinItsSeconds) {
  TempDir folder = TempDir::Create("ns-session-").value();
  std::filesystem::path file = folder.path() / "m.onnx";
  Model model = SmallCnn();
  ASSERT_TRUE(model.Save(file).ok());
  std::vector<NamedTensors> rows = {MadeUpInputs(model.inputs(), 1, 8, 0).value()};
  SessionSearch search{LatencyRun{.threads = 1, .cores = {}}};
  search.budget_seconds = 0.5;
  NullProgress progress;
  auto found = FindSessionSettings(file, rows, search, progress, {});
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_TRUE(found->settings == UsualSettings(search.latency) || found->gain.low >= 1.02);
  // Finding out is not worth more than its budget.
  search.budget_seconds = 0;
  EXPECT_EQ(FindSessionSettings(file, rows, search, progress, {})->settings, UsualSettings(search.latency));
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(FindSessionSettings(file, rows, search, progress, stopped.get_token()).status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace ns
