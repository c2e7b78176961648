// A model that shows its intermediate values while it runs: each value is handed over as soon as it is computed, still in the cache,
// and its memory is free for the next. So statistics of all activations cost little more memory than the bare model does.
//
// How: an operator of ours, neural_solution.Tap, reads each value; it has a one-element output of its own, so that ONNX Runtime keeps it.
// Convolutions' values are read in the layout they were computed in (runtime/blocked_taps.h).
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/model.h"
#include "runtime/session.h"

namespace ns {

// In which layout values of rank 4 are shown.
enum class TapLayout {
  kFastest,  // the elements within one row (index of axis 0) may come in any order
  kPlain,    // row-major, as everything else: slower where ONNX Runtime computes convolutions in blocks of channels
};

// Movable. Run() may be called from several threads at once.
class TappedSession {
 public:
  // `values`: float32 values that nodes of the main graph make; not empty (NS_CHECK). The model's own outputs are not computed beyond
  // what the values need. Errors as Session::FromModel().
  // `threads` share the work of it; each run is computed by one.
  static Result<TappedSession> Create(const Model& model, const std::vector<std::string>& values, int threads = 1,
                                      TapLayout layout = TapLayout::kFastest);

  // Called on the thread that called Run(), once for each value, in the order of computation. `value` is its position in `values`; the
  // tensor is valid during the call. Its shape is the value's, its elements ordered as TapLayout says.
  using Tap = std::function<Status(size_t value, const TensorView& tensor)>;

  // Runs the model once. The first error of `tap` ends the taps and is returned; else errors as Session::Run().
  Status Run(const NamedTensors& inputs, const Tap& tap, std::stop_token stop = {}) const;

 private:
  explicit TappedSession(Session session, std::string output) : session_(std::move(session)), output_(std::move(output)) {}
  Session session_;
  std::string output_;  // one of the taps' outputs: a run must ask for something, and computes all
};

}  // namespace ns
