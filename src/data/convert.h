// Elements of one type as those of another, without losing a value unseen.
#pragma once

#include <cstddef>
#include <optional>

#include "base/tensor.h"

namespace ns {

enum class Conversion {
  kSame,
  kExact,       // every value fits: uint8 → float32, int32 → int64
  kChecked,     // fits or is refused, value by value: int64 → int32, int32 → float32, any integer → bool
  kRounded,     // rounded to nearest; a finite value that would become infinite is refused: float64 → float32
  kImpossible,  // fractions to integers, strings
};
Conversion ConversionOf(DType from, DType to);

// Converts `count` elements; neither side needs to be aligned. Returns the index of the first element that does not fit
// (then the rest of `out` is not written). The conversion is not kImpossible (NS_CHECK).
std::optional<size_t> ConvertElements(const void* in, DType in_type, size_t count, void* out, DType out_type);

// Index of the first NaN or infinity; none for integers. `in` need not be aligned.
std::optional<size_t> FindNonFinite(const void* in, DType dtype, size_t count);

}  // namespace ns
