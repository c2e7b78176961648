// For tests of rewrites: the model before and after computes the same.
#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "graph/model.h"

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

}  // namespace ns
