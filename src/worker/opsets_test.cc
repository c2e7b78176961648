// The pipeline's steps over all operator sets that the loader takes: prepare, calibrate, quantize, run, compare with
// fp32.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "data/array_data_set.h"
#include "quantize/prepare.h"
#include "quantize/quantizer.h"
#include "runtime/session.h"

namespace ns {
namespace {

constexpr int64_t kRows = 16;

// Element i is sin(1.7 i + phase), which repeats nowhere soon.
Tensor Wave(Shape shape, double phase) {
  Tensor tensor(DType::kFloat, std::move(shape));
  auto values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(std::sin(1.7 * static_cast<double>(i) + phase));
  return tensor;
}

// A convolution and a product of matrices, with what lies between them.
Model SmallModel(int64_t opset) {
  Model model = Model::FromText(fmt::format(R"(<ir_version: 7, opset_import: ["" : {}]>
    g (float[N, 3, 8, 8] x) => (float[N, 10] y)
      <float[1] w = {{0}}, float[1] b = {{0}}, float[1] k = {{0}}, float[1] kb = {{0}}> {{
      c = Conv <pads = [1, 1, 1, 1]> (x, w, b)
      r = Relu(c)
      p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
      f = Flatten(p)
      m = MatMul(f, k)
      y = Add(m, kb) }})",
                                            opset))
                    .value();
  model.SetWeight("w", Wave({8, 3, 3, 3}, 0));
  model.SetWeight("b", Wave({8}, 1));
  model.SetWeight("k", Wave({128, 10}, 2));
  model.SetWeight("kb", Wave({10}, 3));
  return model;
}

std::vector<float> Results(const Model& model, const Tensor& x) {
  Session session = Session::FromModel(model).value();
  std::vector<Tensor> outputs = session.Run({{"x", x}}).value();
  auto values = outputs[0].values<float>();
  return {values.begin(), values.end()};
}

double SqnrDb(const std::vector<float>& wanted, const std::vector<float>& got) {
  double signal = 0, noise = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    signal += std::pow(wanted[i], 2);
    noise += std::pow(wanted[i] - got[i], 2);
  }
  return 10 * std::log10(signal / noise);
}

class OpsetTest : public ::testing::TestWithParam<int64_t> {};

// 8 bits give about 40 dB an operator; two in a row, with weights in 7 bits where the processor asks for it, 25 at
// least.
TEST_P(OpsetTest, QuantizedModelComputesNearlyWhatFp32Does) {
  Model model = SmallModel(GetParam());
  Tensor x = Wave({kRows, 3, 8, 8}, 4);
  std::vector<float> wanted = Results(model, x);
  auto data = ArrayDataSet::Create({{"x", x}}, model.inputs(), {}).value();
  std::vector<int64_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0);
  NullProgress progress;
  Quantizer quantizer = Quantizer::Create(PrepareModel(model.Clone(), progress).value()).value();
  ASSERT_TRUE(quantizer.Calibrate(*data, rows, {}, progress, {}).ok());
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    SCOPED_TRACE(OpModeName(mode));
    auto quantized = quantizer.Quantize(DefaultConfig(mode));
    ASSERT_TRUE(quantized.ok()) << quantized.status().ToString();
    int integer = 0;
    for (const OperatorDecision& decision : quantized->decisions) integer += decision.mode == mode;
    EXPECT_GE(integer, mode == OpMode::kStatic ? 2 : 1);
    std::vector<float> got = Results(quantized->model, x);
    ASSERT_EQ(got.size(), wanted.size());
    EXPECT_NE(got, wanted);
    EXPECT_GT(SqnrDb(wanted, got), 25);
  }
}

INSTANTIATE_TEST_SUITE_P(Opsets, OpsetTest, ::testing::Values(11, 13, 17, 18, 21, kNewestOpset));

}  // namespace
}  // namespace ns
