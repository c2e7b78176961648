// Types and shapes of a model's values, inferred by onnx.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "graph/model.h"

namespace ns {

// A snapshot. Const and thread-safe.
class ShapeMap {
 public:
  // Inputs, outputs and weights as declared; everything between as far as onnx infers it (with data propagation: the values of small integer
  // tensors are followed). Where inference fails, values are missing and note() says why: no model is refused for it.
  static ShapeMap Infer(const Model& model);

  // Null when nothing is known of the value. `has_shape` and sizes of -1 say what is not.
  const TensorSpec* Find(std::string_view value) const;
  // All sizes, when every one is known.
  std::optional<Shape> StaticShape(std::string_view value) const;
  // -1 when unknown.
  int Rank(std::string_view value) const;
  // Bytes of its elements; none unless type and all sizes are known.
  std::optional<uint64_t> Bytes(std::string_view value) const;

  // Why inference stopped early; empty when it did not.
  const std::string& note() const { return note_; }

 private:
  std::unordered_map<std::string, TensorSpec> specs_;
  std::string note_;
};

}  // namespace ns
