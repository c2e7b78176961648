// NumPy archives.
#include "data/npz.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ns::FuzzFile file("rows.npz");
  auto content = ns::ReadNpz(file.Write(data, size), 1 << 20);
  if (!content.ok()) return 0;
  uint64_t sum = 0;
  for (const auto& [name, tensor] : content->arrays) {
    for (std::byte byte : tensor.view().bytes()) sum += static_cast<uint64_t>(byte);  // all of it can be read
  }
  return sum == UINT64_MAX ? 1 : 0;
}
