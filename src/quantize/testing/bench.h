// A model, rows for it, and what quantization makes of it: for the tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "data/data_set.h"
#include "graph/model.h"
#include "quantize/quantizer.h"

namespace ns {

// Normally distributed rows for a model of one input.
std::unique_ptr<DataSet> RandomRows(const Model& model, Shape shape, unsigned seed = 5);
std::vector<int64_t> AllRows(const DataSet& data);
// The first output for each row, behind each other.
std::vector<float> RunModel(const Model& model, const DataSet& data);
// 10 log10(sum x^2 / sum (x - x')^2).
double SqnrDb(const std::vector<float>& exact, const std::vector<float>& other);
Model Prepared(Model model);

// A model, its data, and a quantizer calibrated on them.
struct Bench {
  explicit Bench(Model original, Shape rows, std::vector<CalibrationMethod> methods = {CalibrationMethod::kMinMax})
      : model(std::move(original)), data(RandomRows(model, std::move(rows))), quantizer(Quantizer::Create(model.Clone()).value()) {
    CalibrationOptions options;
    options.methods = std::move(methods);
    options.threads = 2;
    options.attention = true;
    options.channels = true;
    NullProgress progress;
    Status status = quantizer.Calibrate(*data, AllRows(*data), options, progress, {});
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  double Sqnr(const QuantConfig& config) {
    auto quantized = quantizer.Quantize(config);
    EXPECT_TRUE(quantized.ok()) << quantized.status().ToString();
    if (!quantized.ok()) return 0;
    return SqnrDb(RunModel(model, *data), RunModel(quantized->model, *data));
  }
  Model model;
  std::unique_ptr<DataSet> data;
  Quantizer quantizer;
};

}  // namespace ns
