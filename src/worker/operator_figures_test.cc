#include "worker/operator_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "worker/operator_advice.h"

namespace ns {
namespace {

using testing::HasSubstr;

// Rows of one float input "x", each row given in full.
class Rows final : public DataSet {
 public:
  explicit Rows(std::vector<std::vector<float>> rows) : values_(std::move(rows)) {}
  int64_t rows() const override { return static_cast<int64_t>(values_.size()); }
  bool has_labels() const override { return false; }
  std::optional<int64_t> fixed_batch() const override { return std::nullopt; }
  const std::vector<std::string>& guesses() const override { return guesses_; }
  Result<Batch> Read(std::span<const int64_t> rows) const override {
    auto width = static_cast<int64_t>(values_[0].size());
    Tensor x(DType::kFloat, {static_cast<int64_t>(rows.size()), width});
    Batch batch;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& row = values_[static_cast<size_t>(rows[i])];
      std::copy(row.begin(), row.end(), x.mutable_values<float>().begin() + static_cast<std::ptrdiff_t>(i * row.size()));
    }
    batch.rows.assign(rows.begin(), rows.end());
    batch.inputs.emplace("x", std::move(x));
    return batch;
  }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<std::string> guesses_;
};

// The second channel of what the first product reads is 64 times the others, and its weights are a 64th: the same function in float. The second
// product reads channels alike.
Model Outlier() {
  return Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[N, 4] x) => (float[N, 2] y)
    <float[4, 2] w1 = {0.5, -0.25, 0.0078125, 0.00390625, -1, 0.5, 0.25, 1}, float[2, 2] w2 = {1, 0.5, -0.5, 1}>
    { [first] h = MatMul (x, w1) [tanh] t = Tanh (h) [second] y = MatMul (t, w2) })").value();
}

std::unique_ptr<Rows> OutlierRows() {
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < 32; ++i) {
    auto wave = [&](float step) { return std::sin(step * static_cast<float>(i + 1)); };
    rows.push_back({wave(0.7f), 64 * wave(1.1f), wave(1.9f), wave(2.3f)});
  }
  rows[5] = {1, 64, -1, 1};
  rows[6] = {-1, -64, 1, -1};
  return std::make_unique<Rows>(std::move(rows));
}

class OperatorFiguresTest : public testing::Test {
 protected:
  OperatorFiguresTest() : data_(OutlierRows()), quantizer_(Quantizer::Create(Outlier()).value()), all_(32) {
    std::iota(all_.begin(), all_.end(), 0);
    config_.defaults.mode = OpMode::kStatic;
    EXPECT_TRUE(quantizer_.Calibrate(*data_, all_, {}, quiet_, {}).ok());
  }
  Status Values() { return MeasureValues(quantizer_, config_, *data_, all_, 2, quiet_, {}, &figures_); }

  std::unique_ptr<Rows> data_;
  Quantizer quantizer_;
  std::vector<int64_t> all_;
  QuantConfig config_;
  NullProgress quiet_;
  FigureMap figures_;
};

TEST_F(OperatorFiguresTest, ValuesAreThoseOfTheRows) {
  ASSERT_TRUE(Values().ok());
  const OperatorFigures& first = figures_.at("first");
  ASSERT_TRUE(first.input);
  EXPECT_EQ(first.input->value, "x");
  EXPECT_EQ(first.input->min, -64);
  EXPECT_EQ(first.input->max, 64);
  EXPECT_EQ(first.input->low, -64);
  EXPECT_EQ(first.input->high, 64);
  EXPECT_EQ(first.input->calibration, "minmax");
  EXPECT_EQ(first.input->outside, 0);
  EXPECT_EQ(first.input->channel_ratio, 64);
  EXPECT_EQ(std::accumulate(first.input->histogram->counts.begin(), first.input->histogram->counts.end(), int64_t{0}), 128) << "32 rows of 4";
  EXPECT_FALSE(first.output->low) << "a product makes floats";
  // Columns of w1 reach 1 and 1; of w2 1 and 1.
  EXPECT_EQ(first.weight, (WeightReport{1, 2, 1}));
  EXPECT_NEAR(*figures_.at("second").input->channel_ratio, 1, 0.2);
}

TEST_F(OperatorFiguresTest, TheOutlierIsWhatHurtsAndTheAdviceSaysWhy) {
  ASSERT_TRUE(Values().ok());
  ASSERT_TRUE(MeasureOwn(quantizer_, config_, *data_, all_, 2, quiet_, {}, &figures_).ok());
  double whole = 0;
  EXPECT_TRUE(MeasureEffects(quantizer_, config_, *data_, all_, 2, 60, quiet_, {}, &figures_, &whole).value());
  auto rows = OperatorRows(quantizer_.Decisions(config_), figures_);
  SortByHarm(&rows);
  EXPECT_EQ(rows[0].name, "first");
  EXPECT_EQ(rows[0].decision, "int8 static");
  EXPECT_LT(*rows[0].effect_db, 20);
  EXPECT_GT(*rows[1].effect_db, 35) << "the second reads even channels";
  EXPECT_NEAR(whole, *rows[0].effect_db, 2);
  EXPECT_THAT(rows[0].advice, HasSubstr("reaches 64 times as far as the median one: SmoothQuant"));
  EXPECT_EQ(rows[1].advice, "");
}

TEST_F(OperatorFiguresTest, WithoutTimeEffectsAreNotMeasured) {
  double whole = 0;
  EXPECT_FALSE(MeasureEffects(quantizer_, config_, *data_, all_, 2, 0, quiet_, {}, &figures_, &whole).value());
  EXPECT_FALSE(figures_["first"].effect_db);
  EXPECT_GT(whole, 0);
}

TEST_F(OperatorFiguresTest, DynamicOperatorsHaveNoCalibratedRange) {
  config_.defaults.mode = OpMode::kDynamic;
  ASSERT_TRUE(Values().ok());
  EXPECT_FALSE(figures_.at("first").input->low);
  EXPECT_EQ(figures_.at("first").input->calibration, "");
}

TEST_F(OperatorFiguresTest, AStopIsHeard) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(MeasureValues(quantizer_, config_, *data_, all_, 1, quiet_, stop.get_token(), &figures_).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace ns
