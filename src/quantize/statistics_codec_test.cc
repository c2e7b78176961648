#include "quantize/statistics_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "quantize/quantizer.h"
#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

constexpr size_t kBatches = 12, kChannels = 5, kRows = 7;

// Values of very different size from batch to batch, so that histograms grow.
std::vector<float> BatchOf(size_t number) {
  std::mt19937_64 random(number);
  std::normal_distribution<float> normal(0.1F * static_cast<float>(number), std::ldexp(1.0F, static_cast<int>(number * 7 % 11) - 4));
  std::vector<float> values(kRows * kChannels);
  for (float& value : values) value = normal(random);
  return values;
}

Statistics Collect(const std::vector<size_t>& batches) {
  Statistics statistics;
  TensorObserver tensor({true, true});
  ChannelObserver channels(ChannelAxis::kLast);
  for (size_t batch : batches) {
    std::vector<float> values = BatchOf(batch);
    EXPECT_TRUE(tensor.Observe(static_cast<int64_t>(batch), values).ok());
    Tensor rows = Tensor::From<float>({kRows, kChannels}, values);
    EXPECT_TRUE(channels.Observe(rows.view()).ok());
  }
  statistics.values.emplace("x", tensor);
  statistics.channels.emplace(ChannelKey{"x", ChannelAxis::kLast}, channels);
  return statistics;
}

TEST(StatisticsCodec, AnySplitOverWorkersInAnyOrderGivesTheSameBits) {
  std::vector<size_t> all(kBatches);
  for (size_t i = 0; i < kBatches; ++i) all[i] = i;
  std::string alone = StatisticsToBytes(Collect(all));
  std::mt19937_64 random(1);
  for (size_t workers = 1; workers <= 6; ++workers) {
    std::vector<std::vector<size_t>> parts(workers);
    for (size_t batch : all) parts[random() % workers].push_back(batch);
    std::shuffle(parts.begin(), parts.end(), random);
    Statistics merged;
    for (const auto& part : parts) {
      auto sent = StatisticsFromBytes(StatisticsToBytes(Collect(part)));
      ASSERT_TRUE(sent.ok());
      merged.Merge(*std::move(sent));
    }
    EXPECT_EQ(StatisticsToBytes(merged), alone) << workers;
  }
}

TEST(StatisticsCodec, KeepsWhatMethodsAskFor) {
  Statistics before = Collect({0, 1, 2, 3});
  Statistics after = *StatisticsFromBytes(StatisticsToBytes(before));
  const TensorObserver &a = before.values.at("x"), &b = after.values.at("x");
  EXPECT_EQ(a.range()->min, b.range()->min);
  EXPECT_EQ(a.MovingAverage(0.01)->max, b.MovingAverage(0.01)->max);
  EXPECT_EQ(a.histogram().exponent(), b.histogram().exponent());
  EXPECT_EQ(before.channels.begin()->second.mean(), after.channels.begin()->second.mean());
  // 28 rows of 5 values in few bins: far less than 4096 numbers.
  EXPECT_LT(StatisticsToBytes(before).size(), 1000u);
}

TEST(StatisticsCodec, KeepsAnObserverThatSawNothing) {
  Statistics none;
  none.values.emplace("x", TensorObserver({true, true}));
  Statistics back = *StatisticsFromBytes(StatisticsToBytes(none));
  EXPECT_TRUE(back.values.at("x").empty());
}

TEST(StatisticsCodec, RefusesWhatIsCutOrChangedInLength) {
  std::string bytes = StatisticsToBytes(Collect({0, 1}));
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(StatisticsFromBytes(bytes.substr(0, size)).ok()) << size;
  EXPECT_EQ(StatisticsFromBytes(bytes + "x").status().reason(), "BAD_STATISTICS");
  EXPECT_FALSE(StatisticsFromBytes("other").ok());
}

TEST(StatisticsCodec, AModelCalibratedInPartsTakesTheSameFromThem) {
  using enum CalibrationMethod;
  std::vector<CalibrationMethod> methods = {kMinMax, kMovingAverage, kEntropy, kPercentile, kMse};
  Bench bench(SmallCnn(), {16, 3, 8, 8}, methods);
  Quantizer parts = Quantizer::Create(bench.model.Clone()).value();
  std::vector<int64_t> rows = AllRows(*bench.data);
  NullProgress progress;
  auto merged = std::make_shared<Statistics>();
  for (auto [first, count] : {std::pair(9, 7), std::pair(0, 5), std::pair(5, 4)}) {
    CalibrationOptions options;
    options.methods = methods;
    options.attention = options.channels = true;
    options.first_batch = first;
    auto some = std::span(rows).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    Statistics part = parts.Collect(*bench.data, some, options, progress, {}).value();
    merged->Merge(StatisticsFromBytes(StatisticsToBytes(part)).value());
  }
  parts.UseStatistics(merged);
  for (CalibrationMethod method : methods) {
    QuantConfig config;
    config.defaults.calibration = method;
    config.equalize = config.bias_correction = method == kEntropy;
    EXPECT_EQ(parts.Facts(config).value(), bench.quantizer.Facts(config).value()) << CalibrationMethodName(method);
  }
}

}  // namespace
}  // namespace ns
