// For tests of rewrites: the model before and after computes the same.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "graph/model.h"
#include "passes/pass.h"
#include "runtime/ort_evaluator.h"
#include "runtime/session.h"

namespace ns {

// A model of opset 17 unless `header` says otherwise. Broken text ends the test program.
inline Model ParseModel(std::string_view body, int opset = 17) {
  auto model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : {}]> {})", opset, body));
  NS_CHECK(model.ok(), "{}", model.status().ToString());
  return *std::move(model);
}

// Values between -2 and 2 that repeat nowhere soon: element i is 2 sin(1.7 i + phase).
inline Tensor Wave(Shape shape, double phase = 0) {
  Tensor tensor(DType::kFloat, std::move(shape));
  auto values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(2 * std::sin(1.7 * static_cast<double>(i) + phase));
  return tensor;
}

// What the model computes on the runtime, its graph run as it is.
inline std::vector<Tensor> Results(const Model& model, const NamedTensors& inputs) {
  SessionOptions options;
  options.optimization = GraphOptimization::kNone;
  auto session = Session::FromModel(model, options);
  NS_CHECK(session.ok(), "{}", session.status().ToString());
  auto results = session->Run(inputs);
  NS_CHECK(results.ok(), "{}", results.status().ToString());
  return *std::move(results);
}

// Runs the pass, and returns the number of changes after comparing what the model computes before and after.
inline int RunAndCompare(Pass&& pass, Model& model, const NamedTensors& inputs, float tolerance = 0) {
  std::vector<Tensor> before = Results(model, inputs);
  OrtEvaluator evaluator;
  PassContext context;
  context.evaluator = &evaluator;
  int changes = pass.Run(model, context).value();
  EXPECT_TRUE(model.Verify().ok()) << model.Verify().ToString();
  std::vector<Tensor> after = Results(model, inputs);
  for (size_t o = 0; o < before.size(); ++o) {
    EXPECT_EQ(before[o].shape(), after[o].shape());
    auto a = before[o].values<float>(), b = after[o].values<float>();
    float worst = 0;
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / (1 + std::abs(a[i])));
    EXPECT_LE(worst, tolerance) << "output " << o;
  }
  return changes;
}

// One input named x.
inline NamedTensors X(Shape shape) { return {{"x", Wave(std::move(shape))}}; }

}  // namespace ns
