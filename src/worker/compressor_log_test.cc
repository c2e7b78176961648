// Lines are of a run of neural_compressor 2.6.
#include "worker/compressor_log.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

constexpr const char* kBaseline = "2026-01-31 06:12:25 [INFO] FP32 baseline is: [Accuracy: 0.9926, Duration (seconds): 0.6725]";

std::string Tune(int index, const std::string& accuracy, const std::string& seconds, const std::string& best) {
  return "2026-01-31 06:12:27 [INFO] Tune " + std::to_string(index) + " result is: [Accuracy (int8|fp32): " + accuracy +
         "|0.9926, Duration (seconds) (int8|fp32): " + seconds + "|0.6725]" + (best.empty() ? "" : ", Best tune result is: " + best);
}

TEST(CompressorLogTest, ReadsBaselineTrialsAndWhereTheModelWent) {
  CompressorLog log;
  EXPECT_EQ(log.Read("2026-01-31 06:12:25 [INFO] Get FP32 model baseline."), CompressorLog::Line::kOther);
  EXPECT_EQ(log.Read(kBaseline), CompressorLog::Line::kBaseline);
  EXPECT_EQ(log.Read(Tune(1, "0.9426", "0.3217", "n/a")), CompressorLog::Line::kTrial);
  EXPECT_FALSE(log.Best({}).has_value());
  EXPECT_EQ(log.Read(Tune(2, "0.9900", "0.3500", "[Accuracy: 0.9900, Duration (seconds): 0.3500]")), CompressorLog::Line::kTrial);
  EXPECT_EQ(log.Read("[INFO] Save quantized model to /w/a model.pb."), CompressorLog::Line::kSaved);
  EXPECT_EQ(log.baseline()->accuracy, 0.9926);
  EXPECT_EQ(log.baseline()->seconds, 0.6725);
  EXPECT_EQ(log.trials()[0].result.accuracy, 0.9426);
  EXPECT_EQ(log.trials()[0].result.seconds, 0.3217);
  EXPECT_EQ(log.saved(), "/w/a model.pb");
  EXPECT_EQ(log.Read("[INFO] Save config file and weights of quantized model to ./saved_results."), CompressorLog::Line::kSaved);
  EXPECT_EQ(log.saved(), "./saved_results");
}

TEST(CompressorLogTest, TheBestIsTheOneTheLibraryKeptNotTheLast) {
  CompressorLog log;
  log.Read(kBaseline);
  log.Read(Tune(1, "0.9900", "0.3000", "[Accuracy: 0.9900, Duration (seconds): 0.3000]"));
  log.Read(Tune(2, "0.5000", "0.2000", "[Accuracy: 0.9900, Duration (seconds): 0.3000]"));
  EXPECT_EQ(log.Best({})->index, 1);
  EXPECT_EQ(log.Best({})->result.accuracy, 0.99);
}

TEST(CompressorLogTest, WithoutTheLibrarysWordTheFastestThatMeetsTheGoalIsTheBest) {
  CompressorLog log;
  log.Read(kBaseline);
  log.Read(Tune(1, "0.9900", "0.4000", ""));
  log.Read(Tune(2, "0.9880", "0.3000", ""));  // loss 0.0046 of at most 0.0099
  log.Read(Tune(3, "0.9800", "0.1000", ""));  // loss 0.0126
  EXPECT_EQ(log.Best({})->index, 2);
  EXPECT_EQ(log.Best({true, 0.02, std::nullopt})->index, 3);
  EXPECT_EQ(log.Best({false, 0.003, std::nullopt})->index, 1);
  EXPECT_FALSE(log.Best({true, 0.001, std::nullopt}).has_value());
}

TEST(CompressorLogTest, AnotherTuningStartsAfresh) {
  CompressorLog log;
  log.Read(kBaseline);
  log.Read(Tune(1, "0.9900", "0.4000", ""));
  log.Read("FP32 baseline is: [Accuracy: 0.5 0.6, Duration (seconds): 1.0]");
  EXPECT_EQ(log.baseline()->accuracy, 0.5);
  EXPECT_TRUE(log.trials().empty());
}

TEST(CompressorLogTest, OtherTextIsNotTaken) {
  CompressorLog log;
  for (const char* line : {"", "FP32 baseline is: n/a", "FP32 baseline is: [Accuracy: nan]", "Tune x result is: [Accuracy: 1]", "Tune 1 result is: n/a",
                           "Tune 1 result is: [Accuracy: 1", "Tune 99999999999 result is: [Accuracy: 1]", "Save tuning history to x."}) {
    EXPECT_EQ(log.Read(line), CompressorLog::Line::kOther) << line;
  }
}

}  // namespace
}  // namespace ns
