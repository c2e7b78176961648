// Hugging Face's files of weights.
#include "fuzz_file.h"
#include "huggingface/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ns::FuzzFile file("model.safetensors");
  auto tensors = ns::ReadSafetensors(file.Write(data, size));
  if (!tensors.ok()) return 0;
  uint64_t sum = 0;
  for (const auto& [name, stored] : *tensors) {
    auto tensor = ns::ReadTensor(stored);
    if (!tensor.ok()) continue;
    for (std::byte byte : tensor->view().bytes()) sum += static_cast<uint64_t>(byte);  // all of it can be read
  }
  return sum == UINT64_MAX ? 1 : 0;
}
