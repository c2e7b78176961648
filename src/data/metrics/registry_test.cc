#include "data/metrics/registry.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

// Two batches that every metric takes: class scores for those of classes, one number a row for those of regressions.
struct Shards {
  Tensor output[2];
  Tensor target[2];
};

Shards ShardsFor(const Metric& metric) {
  std::string_view name = metric.name();
  if (name == "pearson" || name == "spearman" || name == "mse" || name == "mae") {
    return {{Tensor::From<float>({3, 1}, {1, 2, 4}), Tensor::From<float>({2, 1}, {3, -1})},
            {Tensor::From<float>({3}, {1, 3, 3}), Tensor::From<float>({2}, {2, 0})}};
  }
  Tensor a = Tensor::From<float>({3, 2}, {1, 0, 0, 1, 0, 1});
  Tensor b = Tensor::From<float>({2, 2}, {2, 1, 0, 3});
  if (metric.target() == MetricTarget::kReference) return {{a, b}, {a, Tensor::From<float>({2, 2}, {0, 1, 0, 1})}};
  return {{a, b}, {Tensor::From<int64_t>({3}, {0, 1, 0}), Tensor::From<int64_t>({2}, {1, 1})}};
}

TEST(RegistryTest, MergedShardsHaveTheValueOfOneThatSawAll) {
  for (const MetricEntry& entry : MetricTable()) {
    auto whole = entry.make({});
    Shards shards = ShardsFor(*whole);
    auto joined = entry.make({});
    for (size_t i = 0; i < 2; ++i) {
      auto shard = entry.make({});
      ASSERT_TRUE(whole->Update(shards.output[i].view(), shards.target[i].view()).ok()) << entry.name;
      ASSERT_TRUE(shard->Update(shards.output[i].view(), shards.target[i].view()).ok()) << entry.name;
      ASSERT_TRUE(joined->MergeState(shard->state()).ok()) << entry.name;
    }
    EXPECT_NEAR(joined->value().value(), whole->value().value(), 1e-12) << entry.name;
    EXPECT_EQ(joined->row_scores().size(), whole->additive() ? 5u : 0u) << entry.name;
  }
}

TEST(RegistryTest, NamesAreThoseOfTheMetricsAndAdditiveOnesAreTheMeanOfTheirScores) {
  for (const MetricEntry& entry : MetricTable()) {
    auto metric = MetricByName(entry.name).value();
    EXPECT_EQ(metric->name(), entry.name);
    EXPECT_EQ(metric->value().status().reason(), "NO_DATA") << entry.name;
    Shards shards = ShardsFor(*metric);
    ASSERT_TRUE(metric->Update(shards.output[0].view(), shards.target[0].view()).ok());
    if (!metric->additive()) continue;
    double sum = 0;
    double weight = 0;
    for (const RowScore& score : metric->row_scores()) {
      sum += score.sum;
      weight += score.weight;
    }
    EXPECT_DOUBLE_EQ(metric->value().value(), sum / weight) << entry.name;
  }
}

TEST(RegistryTest, AForeignStateIsRefused) {
  for (const MetricEntry& entry : MetricTable()) {
    auto metric = entry.make({});
    std::vector<double> seven(7, -1.0);
    EXPECT_EQ(metric->MergeState(seven).reason(), "BAD_METRIC_STATE") << entry.name;
  }
}

TEST(RegistryTest, AnUnknownNameIsToldTheNearest) {
  Status status = MetricByName("Acuracy").status();
  EXPECT_EQ(status.reason(), "UNKNOWN_METRIC");
  EXPECT_NE(
      status.message().find("metric 'Acuracy' is not known; did you mean 'accuracy'? Known: 'accuracy', 'top5', 'f1'"),
      std::string::npos)
      << status.message();
}

TEST(RegistryTest, ChoosesTheOutputAndRecordsWhatItGuessed) {
  std::vector<TensorSpec> outputs(2);
  outputs[0].name = "hidden";
  outputs[1].name = "logits";
  std::vector<std::string> guesses;
  EXPECT_EQ(ChooseOutput(outputs, "hidden", &guesses).value(), 0u);
  EXPECT_TRUE(guesses.empty());
  EXPECT_EQ(ChooseOutput(outputs, "", &guesses).value(), 1u);
  EXPECT_EQ(guesses, (std::vector<std::string>{"the metric reads the model's output 'logits'"}));
  outputs[1].name = "other";
  EXPECT_EQ(ChooseOutput(outputs, "", &guesses).value(), 0u);
  EXPECT_EQ(guesses.back(), "the metric reads the model's first output 'hidden' of 'hidden', 'other'");
  EXPECT_EQ(ChooseOutput(outputs, "logits", &guesses).status().message(),
            "the model has no output 'logits'; it has 'hidden', 'other'");
  EXPECT_EQ(ChooseOutput({}, "", &guesses).status().reason(), "UNKNOWN_OUTPUT");
}

}  // namespace
}  // namespace ns
