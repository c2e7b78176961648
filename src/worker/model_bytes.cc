#include "worker/model_bytes.h"

namespace ns {

uint64_t ModelBytes(const Model& model) {
  uint64_t bytes = model.proto().ByteSizeLong();
  for (const auto& tensor : model.graph().initializer()) {
    if (const auto* shared = model.SharedWeight(tensor.name())) bytes += shared->bytes.size();
  }
  return bytes;
}

}  // namespace ns
