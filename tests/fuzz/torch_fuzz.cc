// torch.save's files. The first byte chooses: the whole file, or, as no checksum guards it then, only its pickle.
#include <cstdlib>
#include <span>

#include "fuzz_file.h"
#include "huggingface/weights/torch_file.h"

namespace {

void TryFile(const uint8_t* data, size_t size) {
  static ns::FuzzFile file("pytorch_model.bin");
  auto tensors = ns::ReadTorchFile(file.Write(data, size));
  if (!tensors.ok()) return;
  uint64_t sum = 0;
  for (const auto& [name, stored] : *tensors) {
    auto tensor = ns::ReadTensor(stored);
    if (!tensor.ok()) continue;
    for (std::byte byte : tensor->view().bytes()) sum += static_cast<uint64_t>(byte);  // all of it can be read
  }
  if (sum == UINT64_MAX) std::abort();
}

void TryPickle(const uint8_t* data, size_t size) {
  auto pickled = ns::ReadTensorPickle(std::as_bytes(std::span(data, size)));
  if (!pickled.ok()) return;
  for (const ns::PickledTensor& tensor : *pickled) {
    int64_t last = tensor.offset;
    bool empty = false;
    for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
      empty = empty || tensor.shape[axis] == 0;
      if (tensor.shape[axis] > 1) last += (tensor.shape[axis] - 1) * tensor.strides[axis];
    }
    if (!empty && (tensor.offset < 0 || last >= tensor.storage_count)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  data[0] == 'f' ? TryFile(data + 1, size - 1) : TryPickle(data + 1, size - 1);
  return 0;
}
