// The header of NumPy's array files (.npy), format 1.0 to 3.0: numpy/lib/format.py describes it.
#pragma once

#include <cstddef>
#include <span>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

struct NpyHeader {
  DType dtype = DType::kUndefined;
  Shape shape;
  size_t data_offset = 0;  // where the elements begin, row-major, little-endian
};

// Reads the header at the front of `file` and checks that the elements follow it, no more and no less (`file_size`
// bytes in all, of which `file` may be only the front). InvalidArgument: BAD_FILE (damaged, cut off, sizes beyond 63
// bits); UNSUPPORTED_ARRAY (big-endian, column-major, strings, objects, structures and what else is no plain number:
// says which and how to save it).
Result<NpyHeader> ParseNpyHeader(std::span<const std::byte> file, uint64_t file_size);

}  // namespace ns
