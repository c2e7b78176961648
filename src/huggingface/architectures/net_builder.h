// Writes a network as an ONNX graph, layer by layer, in the forms that ONNX Runtime fuses and our quantizer knows: what
// PyTorch's exporter writes, with constant shapes where it computes them.
//
// The first failure (a weight that is not there, or of an unexpected shape) is kept: everything after it does nothing
// and returns "", and Finish() returns it. So a builder of an architecture reads like the network.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/model.h"
#include "huggingface/weights/weights.h"

namespace ns {

using Value = std::string;  // of the graph that is built, by its name

inline constexpr int64_t kBuiltOpset = 17;  // LayerNormalization is one operator from here on

class NetBuilder {
 public:
  using Attribute = std::pair<std::string_view, std::variant<int64_t, float, std::vector<int64_t>>>;
  // A size of an input or output: a number, or a name, for one that is free.
  struct Dim {
    Dim(const char* free) : name(free) {}  // NOLINT: implicit by design
    Dim(int64_t fixed) : size(fixed) {}    // NOLINT: implicit by design
    std::string name;
    int64_t size = -1;
  };

  // `weights` outlives it; big ones are shared with the model, not copied, unless they have to be transposed or
  // widened.
  explicit NetBuilder(const Weights& weights) : weights_(weights) {}

  // ---- the graph's ends ----
  Value Input(std::string_view name, DType dtype, std::vector<Dim> dims);
  void Output(std::string_view name, const Value& value, std::vector<Dim> dims);
  Result<Model> Finish(std::string_view name) &&;

  // ---- failures ----
  bool ok() const { return status_.ok(); }
  void Fail(Status status);

  // ---- weights and constants ----
  bool Has(std::string_view weight) const { return weights_.Get(weight) != nullptr; }
  // Of `rank` axes; else a failure, and zeros.
  Shape ShapeOf(const std::string& weight, size_t rank);
  Value Weight(const std::string& weight);
  Value Constant(const std::string& name, Tensor tensor);  // the same name: the same constant
  Value Number(float value);
  Value Ints(const std::vector<int64_t>& values);  // of one axis

  // ---- operators ----
  // Where the operators that follow are in the model: their names begin so.
  void At(std::string module) { module_ = std::move(module); }
  Value Op(std::string_view type, const std::vector<Value>& inputs, const std::vector<Attribute>& attributes = {});
  std::vector<Value> Ops(std::string_view type, const std::vector<Value>& inputs, size_t outputs,
                         const std::vector<Attribute>& attributes = {});

  // ---- layers, by the name that PyTorch's module has ----
  // x·Wᵀ + b on the last axis; W is [out, in] as nn.Linear has it, the bias may be missing.
  Value Linear(const Value& x, const std::string& module);
  // The same with the tensors named, and no bias where `bias` is empty.
  Value Linear(const Value& x, const std::string& weight, const std::string& bias);
  // x·W + b; W is [in, out], as GPT-2's Conv1D has it.
  Value Conv1D(const Value& x, const std::string& module);
  // Linear for x of two axes, as one Gemm.
  Value Gemm(const Value& x, const std::string& module);
  Value LayerNorm(const Value& x, const std::string& module, float epsilon);
  Value Embedding(const Value& ids, const std::string& module);
  // As config.json names them: gelu, gelu_new, relu, tanh, silu, ... Else a failure that lists them.
  Value Activation(const Value& x, const std::string& name);

 private:
  Value TransposedWeight(const std::string& weight);
  Value AddBias(const Value& x, const std::string& bias);
  std::string NodeName(std::string_view type);

  const Weights& weights_;
  Status status_;
  ns_onnx::GraphProto graph_;
  std::map<std::string, Tensor> constants_;
  std::string module_;
  std::map<std::string, int> names_;  // how many nodes have a name
};

}  // namespace ns
