// A model loaded into ONNX Runtime (CPU), ready to run.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/model.h"

namespace ns {

// ONNX Runtime's levels. kExtended fuses (attention, GELU, QDQ → integer kernels); kAll adds layouts that fit only this machine.
enum class GraphOptimization { kNone, kBasic, kExtended, kAll };

struct SessionOptions {
  int threads = 1;  // that compute one run together, the caller's included
  GraphOptimization optimization = GraphOptimization::kAll;
  // Writes the model as ONNX Runtime rewrote it (count fused nodes by runtime/optimized_graph.h). Empty: no.
  std::filesystem::path save_optimized_to;
  bool save_weights_beside = false;  // with save_optimized_to: big weights into `<file name>.data` beside it, aligned, not into the file
  // Where the profile of all runs is written when the session goes, with the time and ".json" behind it (read it by runtime/profile.h).
  // Empty: none.
  std::filesystem::path profile_prefix;
  // Further entries of ONNX Runtime's session configuration ("session.disable_prepacking" → "1").
  std::map<std::string, std::string> config;
  bool tap_operator = false;   // knows the operator of runtime/tapped_session.h
  bool memory_pattern = true;  // one block for all activations of a run; off: each gets its own, and goes when it is not needed any more
  bool memory_arena = true;  // keeps freed activations for the next run: faster, and the peak stays resident
  bool spinning = false;     // pool threads wait busily for a run's next operator: lower latency with threads > 1; they stop when no run is under way
  // Processors for the pool's threads (cores[1], cores[2], ...; the caller's thread belongs on cores[0]). Empty: the system places them.
  std::vector<int> cores;
};

using NamedTensors = std::map<std::string, Tensor>;

// Movable. Run() may be called from several threads at once.
class Session {
 public:
  // NotFound (MODEL_NOT_FOUND); FailedPrecondition (MODEL_NOT_RUNNABLE) when ONNX Runtime cannot run the model (an operator set it does
  // not know, an operator without a kernel for these types): the message says which; InvalidArgument (INVALID_MODEL);
  // ResourceExhausted (OUT_OF_MEMORY).
  static Result<Session> FromFile(const std::filesystem::path& file, const SessionOptions& options = {});
  // Big weights are not copied where ONNX Runtime can use them in place. The session keeps what it needs of the model's memory alive.
  static Result<Session> FromModel(const Model& model, const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<TensorSpec>& inputs() const;
  const std::vector<TensorSpec>& outputs() const;

  // Computes the named outputs (empty: all, in the model's order). Inputs are used in place; each output owns ONNX Runtime's memory.
  // InvalidArgument (MISSING_INPUT, UNKNOWN_INPUT, UNKNOWN_OUTPUT, INPUT_TYPE, INPUT_SHAPE): which input, what came, what is expected;
  // Cancelled when `stop` was asked for (within one node's time); Internal (RUN_FAILED) with ONNX Runtime's own words.
  Result<std::vector<Tensor>> Run(const NamedTensors& inputs, std::span<const std::string> output_names = {},
                                  std::stop_token stop = {}) const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ns
