#include "quantize/output_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/array_data_set.h"
#include "quantize/sqnr.h"
#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

OutputProbe ProbeOf(const Bench& bench) {
  NullProgress progress;
  return OutputProbe::Create(bench.quantizer, *bench.data, AllRows(*bench.data), 2, progress, {}).value();
}

std::vector<OperatorEffect> EffectsOf(const Bench& bench, const QuantConfig& config, int max_runs = 64) {
  NullProgress progress;
  return ProbeOf(bench).Effects(config, {max_runs}, progress, {}).value();
}

// The weight "w2" of SmallMlp with one value 1000 times the others: per tensor the others vanish.
Bench WithSkewedWeight() {
  Model model = SmallMlp();
  Tensor weight = model.Weight("w2").value(), skewed(DType::kFloat, weight.shape());
  for (size_t i = 0; i < weight.values<float>().size(); ++i) {
    skewed.mutable_values<float>()[i] = weight.values<float>()[i] * (i == 3 ? 1000.0f : 1.0f);
  }
  model.SetWeight("w2", skewed);
  return Bench(std::move(model), {8, 4, 8});
}

// Signal 1 + 4, noise 0.01: 10 log10(500) = 26.99 dB.
TEST(ErrorSumsTest, AreARatioInDecibels) {
  ErrorSums sums;
  sums.Add(std::vector<float>{1, 2}, std::vector<float>{1.1f, 2});
  EXPECT_NEAR(sums.sqnr_db(), 26.9897, 1e-3);
  EXPECT_EQ(ErrorSums().sqnr_db(), std::numeric_limits<double>::infinity());
  sums.Add(std::vector<float>{1}, std::vector<float>{std::nanf("")});
  EXPECT_EQ(sums.sqnr_db(), -std::numeric_limits<double>::infinity());
}

TEST(OutputProbeTest, AgreesWithACompareOfAllOutputs) {
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  OutputProbe probe = ProbeOf(bench);
  EXPECT_NEAR(probe.Sqnr(QuantConfig(), {}).value(), bench.Sqnr({}), 1e-3) << "but for the rounding of kernels without prepacked weights";
  QuantConfig nothing;
  nothing.defaults.mode = OpMode::kFloat;
  EXPECT_GT(probe.Sqnr(nothing, {}).value(), 120.0);
}

// The last of nine rows fills a batch of eight up: it counts once all the same.
TEST(OutputProbeTest, RowsThatFillAFixedBatchUpDoNotCount) {
  Model model = SmallEncoder("N"), fixed = SmallEncoder("8");
  Bench bench(Prepared(std::move(model)), {9, 4, 8});
  Tensor rows(DType::kFloat, {9, 4, 8});
  for (int64_t row = 0; row < 9; ++row) {
    Batch batch = bench.data->Read(std::vector<int64_t>{row}).value();
    auto values = batch.inputs.begin()->second.values<float>();
    // The last row is far louder than the others.
    for (size_t i = 0; i < values.size(); ++i) rows.mutable_values<float>()[static_cast<size_t>(row) * 32 + i] = values[i] * (row == 8 ? 3.0f : 1.0f);
  }
  auto free_rows = ArrayDataSet::Create({{bench.model.inputs()[0].name, rows}}, bench.model.inputs(), {}).value();
  auto fixed_rows = ArrayDataSet::Create({{bench.model.inputs()[0].name, rows}}, fixed.inputs(), {}).value();
  NullProgress progress;
  Quantizer quantizer = Quantizer::Create(Prepared(std::move(fixed))).value();
  QuantConfig config;
  quantizer.UseFacts(config, bench.quantizer.Facts(config).value());
  auto of_free = OutputProbe::Create(bench.quantizer, *free_rows, AllRows(*free_rows), 2, progress, {}).value();
  auto of_fixed = OutputProbe::Create(quantizer, *fixed_rows, AllRows(*fixed_rows), 2, progress, {}).value();
  EXPECT_NEAR(of_fixed.Sqnr(config, {}).value(), of_free.Sqnr(config, {}).value(), 0.01);
}

TEST(OutputProbeTest, TheOperatorThatHurtsTheOutputComesFirst) {
  Bench bench = WithSkewedWeight();
  QuantConfig config;
  config.defaults.per_channel = false;
  auto effects = EffectsOf(bench, config);
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_EQ(effects[0].name, "down");
  EXPECT_EQ(effects[0].type, "MatMul");
  EXPECT_LT(effects[0].sqnr_db, effects[1].sqnr_db - 6);
  EXPECT_TRUE(effects[0].measured);
}

// One run for the one block, none left for its members: they share its noise.
TEST(OutputProbeTest, WithoutRunsForMembersABlocksNoiseIsSharedOut) {
  Bench bench = WithSkewedWeight();
  auto effects = EffectsOf(bench, {}, 1);
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_FALSE(effects[0].measured);
  EXPECT_DOUBLE_EQ(effects[0].sqnr_db, effects[1].sqnr_db);
  EXPECT_NEAR(effects[0].sqnr_db, ProbeOf(bench).Sqnr(QuantConfig(), {}).value() + 10 * std::log10(2.0), 1e-6);
}

// Add and pool are not quantized between float neighbours.
TEST(OutputProbeTest, WhatNeedsItsNeighboursHasNoEffectAlone) {
  for (const OperatorEffect& effect : EffectsOf(Bench(SmallCnn(), {8, 3, 8, 8}), {})) {
    bool follows = effect.type == "Add" || effect.type == "GlobalAveragePool";
    EXPECT_EQ(std::isinf(effect.sqnr_db), follows) << effect.name;
  }
}

TEST(OutputProbeTest, NeedsRows) {
  Bench bench(SmallMlp(), {4, 4, 8});
  NullProgress progress;
  EXPECT_EQ(OutputProbe::Create(bench.quantizer, *bench.data, {}, 1, progress, {}).status().reason(), "NO_ROWS");
}

TEST(OperatorBlocksTest, FollowNumberedPartsOfNames) {
  std::vector<std::string> names = {"/stem/Conv_3", "/enc/layer.0/q/MatMul", "/enc/layer.0/k/MatMul", "/enc/layer.1/q/MatMul", "/fc/Gemm"};
  EXPECT_THAT(OperatorBlocks(names), ElementsAre(ElementsAre("/stem/Conv_3"), ElementsAre("/enc/layer.0/q/MatMul", "/enc/layer.0/k/MatMul"),
                                                 ElementsAre("/enc/layer.1/q/MatMul"), ElementsAre("/fc/Gemm")));
}

TEST(OperatorBlocksTest, AreRunsOfNeighboursWhereNamesSayNothing) {
  std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  EXPECT_THAT(OperatorBlocks(names), ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("d", "e")));
  EXPECT_TRUE(OperatorBlocks({}).empty());
}

}  // namespace
}  // namespace ns
