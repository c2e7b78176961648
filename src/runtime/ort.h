// Only for .cc files of this folder: ONNX Runtime's C++ API, the process's one environment, and its exceptions as Status.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <string_view>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Made at the first call: no telemetry, nothing logged (what goes wrong comes as an exception). Lives until the process ends.
Ort::Env& OrtEnvironment();

// What failed when a session was made: FailedPrecondition (MODEL_NOT_RUNNABLE), InvalidArgument (INVALID_MODEL), NotFound
// (MODEL_NOT_FOUND), ResourceExhausted (OUT_OF_MEMORY).
Status LoadStatus(const Ort::Exception& error);
// What failed in a run: Internal (RUN_FAILED), ResourceExhausted (OUT_OF_MEMORY).
Status RunStatus(const Ort::Exception& error);
Status OutOfMemory(std::string_view doing);

// A view of `tensor`'s memory, which must outlive it.
Ort::Value ValueOver(const TensorView& tensor);
// The value as a Tensor that owns it. Unimplemented (OUTPUT_TYPE) when it is no tensor, or one of strings or of a type that DType lacks.
Result<Tensor> TensorOwning(Ort::Value value, std::string_view name);

}  // namespace ns
