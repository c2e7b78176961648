// The operator neural_solution.Tap, for .cc files of this folder.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

#include "base/status.h"
#include "graph/model.h"
#include "runtime/tapped_session.h"

namespace ns {

inline constexpr char kTapDomain[] = "neural_solution";
inline constexpr char kTapType[] = "Tap";

// Appends a tap of `value` and declares its output, whose name is returned. `index` is what TapScope::See() is told.
std::string AddTap(Model& model, const std::string& value, size_t index);

// The domain with the operator; lives until the process ends.
OrtCustomOpDomain* TapDomain();

// Sends what Tap operators see on this thread to `tap` while the object lives.
class TapScope {
 public:
  explicit TapScope(const TappedSession::Tap& tap);
  ~TapScope();
  TapScope(const TapScope&) = delete;
  TapScope& operator=(const TapScope&) = delete;
  const Status& status() const { return status_; }  // the first error of the tap
  void See(size_t value, const TensorView& tensor);

 private:
  const TappedSession::Tap& tap_;
  Status status_;
};

}  // namespace ns
