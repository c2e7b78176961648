// NumPy's archives of arrays (np.savez, np.savez_compressed).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/status.h"
#include "base/tensor.h"

namespace ns {

struct NpzContent {
  std::map<std::string, Tensor> arrays;  // by name, without ".npy"
  // Arrays of kinds that are not read, and other files within: UNSUPPORTED_ARRAY.
  std::map<std::string, Status> unusable;
  std::shared_ptr<const MappedFile> archive;  // that stored arrays lie in
};

// Tensors may lie at any address: copy elements out, do not point into them as their own type.
//
// Opens the archive and checks every array's checksum. Stored arrays stay in the mapped file, compressed ones are
// unpacked into memory, or, from 64 MiB on, into a nameless file in the system's temporary folder, so that memory stays
// free. `max_inflated_bytes` is the limit for all unpacked arrays together. NotFound (FILE_NOT_FOUND); InvalidArgument:
// BAD_FILE (says which array), ARRAY_TOO_LARGE; ResourceExhausted (DISK_FULL).
Result<NpzContent> ReadNpz(const std::filesystem::path& path, uint64_t max_inflated_bytes);

}  // namespace ns
