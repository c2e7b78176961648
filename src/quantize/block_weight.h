// Weights in blocks of 4-bit integers, as ONNX Runtime's MatMulNBits reads them: each block of consecutive inputs of one output channel
// has a scale, and a zero point where asked for.
//
//   x' = (q - z) * scale        q in [0, 15], z = 8 where blocks have no zero point of their own
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

struct BlockOptions {
  int block = 32;            // elements, a power of two from 16 to 256
  bool zero_points = false;  // one a block, for weights that lie to one side of 0
};

// Of a weight [N, K], output channels first; K is filled up to whole blocks with zeros.
struct BlockWeight {
  Tensor values;       // kUint8 [N, blocks, block / 2]: two elements a byte, the first in the low half
  Tensor scales;       // kFloat [N, blocks]; below 0 where the largest value is above 0, so that it gets the one integer more that there is
  Tensor zero_points;  // kUint8 [N, ceil(blocks / 2)], two a byte; no elements without zero points
};

// Scales are searched: several clippings of each block, each with the scale of least squares for its integers; the one with the least squared error
// is taken. `weight` is kFloat with two axes. InvalidArgument (NON_FINITE_WEIGHT) when it holds NaN or infinity.
Result<BlockWeight> QuantizeBlocks(const TensorView& weight, const BlockOptions& options);

}  // namespace ns
