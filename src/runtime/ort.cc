#include "runtime/ort.h"

#include <algorithm>
#include <array>
#include <memory>

#include "graph/checker.h"
#include "graph/tensor_proto.h"
#include "runtime/environment.h"

namespace ns {

Ort::Env& OrtEnvironment() {
  // Never destroyed: sessions in other static objects may outlive a static's order of destruction.
  static auto* environment = [] {
    auto env = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_FATAL, "neural_solution");
    env->DisableTelemetryEvents();
    return env.release();
  }();
  return *environment;
}

namespace {

// It has no error code for it: what its arena and the C++ library say.
bool SaysOutOfMemory(std::string_view words) {
  constexpr std::array kSays = {"Failed to allocate memory", "bad allocation", "std::bad_alloc", "is smaller than requested bytes"};
  return std::any_of(kSays.begin(), kSays.end(), [&](std::string_view say) { return words.find(say) != std::string_view::npos; });
}

}  // namespace

Status LoadStatus(const Ort::Exception& error) {
  std::string words = OneLine(error.what());
  if (SaysOutOfMemory(words)) return OutOfMemory("loading the model into ONNX Runtime");
  switch (error.GetOrtErrorCode()) {
    case ORT_NO_SUCHFILE: return NotFound(words, "MODEL_NOT_FOUND");
    case ORT_INVALID_PROTOBUF: return InvalidArgument("not an ONNX model: " + words, "INVALID_MODEL");
    case ORT_INVALID_GRAPH: return InvalidArgument(fmt::format("ONNX Runtime {} refuses the model: {}", RuntimeVersion(), words), "INVALID_MODEL");
    default:
      return FailedPrecondition(fmt::format("ONNX Runtime {} cannot run the model: {}", RuntimeVersion(), words), "MODEL_NOT_RUNNABLE");
  }
}

Status RunStatus(const Ort::Exception& error) {
  std::string words = OneLine(error.what());
  return SaysOutOfMemory(words) ? OutOfMemory("running the model") : Internal("the model failed while running: " + words, "RUN_FAILED");
}

Status OutOfMemory(std::string_view doing) {
  return ResourceExhausted(fmt::format("out of memory while {}", doing), "OUT_OF_MEMORY");
}

Ort::Value ValueOver(const TensorView& tensor) {
  static const Ort::MemoryInfo kCpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  return Ort::Value::CreateTensor(kCpu, const_cast<void*>(tensor.data), tensor.byte_size(), tensor.shape.data(), tensor.shape.size(),
                                  static_cast<ONNXTensorElementDataType>(tensor.dtype));
}

Result<Tensor> TensorOwning(Ort::Value value, std::string_view name) {
  auto refused = [&] {
    return Status(StatusCode::kUnimplemented, fmt::format("output '{}' is no tensor of numbers", name), "OUTPUT_TYPE");
  };
  if (!value.IsTensor()) return refused();
  auto info = value.GetTensorTypeAndShapeInfo();
  TensorView view;
  view.dtype = DTypeFromOnnx(static_cast<int32_t>(info.GetElementType()));
  if (DTypeSize(view.dtype) == 0) return refused();
  view.shape = info.GetShape();
  view.data = value.GetTensorRawData();
  auto owner = std::make_shared<Ort::Value>(std::move(value));
  return Tensor(std::move(view), std::move(owner));
}

}  // namespace ns
