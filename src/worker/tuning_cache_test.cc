#include "worker/tuning_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "worker/cache_codec.h"

namespace ns {
namespace {

class TuningCacheTest : public ::testing::Test {
 protected:
  TempDir folder_ = TempDir::Create("ns-cache-").value();
};

TEST_F(TuningCacheTest, FindsWhatWasKeptUnderTheSameKeyAndContextOnly) {
  TuningCache cache({{}, folder_.path() / "c"}, "model a ");
  EXPECT_EQ(cache.Get("probe x"), std::nullopt);
  cache.Put("probe x", "17");
  EXPECT_EQ(cache.Get("probe x"), "17");
  EXPECT_EQ(cache.Get("probe y"), std::nullopt);
  EXPECT_EQ(TuningCache({{}, folder_.path() / "c"}, "model b ").Get("probe x"), std::nullopt);
  EXPECT_EQ(TuningCache({{folder_.path() / "c"}, {}}, "model a ").Get("probe x"), "17") << "read from another task's folder";
}

TEST_F(TuningCacheTest, AnEntryThatIsNoneOfOursIsNotThere) {
  TuningCache cache({{}, folder_.path()}, "");
  cache.Put("k", "v");
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    ASSERT_TRUE(WriteFileAtomic(entry.path(), R"({"key": "another", "value": "v"})").ok());
  EXPECT_EQ(cache.Get("k"), std::nullopt);
}

// Models with such names are refused; an exception would end the worker.
TEST_F(TuningCacheTest, BytesThatAreNoUtf8AreReplaced) {
  TuningCache cache({{}, folder_.path()}, "");
  cache.Put("rank \xFF", ResultToText(RankResult{.operators = {{"conv \xFF", 30, 30, 0}}}));
  EXPECT_EQ(cache.Get("rank \xFF"), std::nullopt);
}

TEST(CacheCodecTest, ResultsComeBackToTheLastBit) {
  const double kNan = std::numeric_limits<double>::quiet_NaN();
  EvaluateResult evaluated{.values = {0.1 + 0.2, 1e-300}, .size_bytes = 7, .seconds = 0.3, .rows = 12, .stopped_early = true};
  auto again = std::get<EvaluateResult>(ResultFromText(ResultToText(evaluated), EvaluateItem{}).value());
  EXPECT_EQ(again.values, evaluated.values);
  EXPECT_EQ(again.rows, 12);
  EXPECT_TRUE(again.stopped_early);
  auto probe = ResultFromText(ResultToText(ProbeResult{.output_sqnr_db = -INFINITY}), ProbeItem{});
  EXPECT_EQ(std::get<ProbeResult>(probe.value()).output_sqnr_db, -INFINITY);
  RankResult rank{.operators = {{"conv \"1\"", 30.5, INFINITY, kNan, true}}};
  auto ranked = std::get<RankResult>(ResultFromText(ResultToText(rank), RankItem{}).value());
  EXPECT_EQ(ranked.operators[0].name, "conv \"1\"");
  EXPECT_TRUE(std::isnan(ranked.operators[0].saved_share));
  EXPECT_TRUE(ranked.operators[0].effect_shared);
  TimeResult time{.models = {{{2, 1.9, 2.1}, 25, 0, 3.5}}};
  EXPECT_EQ(std::get<TimeResult>(ResultFromText(ResultToText(time), TimeItem{{QuantConfig()}}).value()).models, time.models);
}

TEST(CacheCodecTest, TextThatIsNoResultIsNone) {
  EXPECT_FALSE(ResultFromText("{}", EvaluateItem{}));
  EXPECT_FALSE(ResultFromText("nothing", ProbeItem{}));
  EXPECT_FALSE(ResultFromText(ResultToText(TimeResult{}), TimeItem{{QuantConfig()}})) << "one model is missing";
}

TEST(CacheCodecTest, AnEvaluationKeepsItsScoresRowByRow) {
  Evaluation evaluation;
  evaluation.metrics.push_back({0.75, {{1, 1}, {0.5, 1}}, {}});
  evaluation.metrics.push_back({0.5, {}, {{1, 2}, {3}}});
  evaluation.rows = 2;
  auto again = EvaluationFromText(EvaluationToText(evaluation)).value();
  EXPECT_EQ(again.metrics[0].scores, evaluation.metrics[0].scores);
  EXPECT_EQ(again.metrics[1].states, evaluation.metrics[1].states);
  EXPECT_EQ(again.values(), evaluation.values());
}

}  // namespace
}  // namespace ns
