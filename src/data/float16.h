// Half precision (IEEE 754 binary16) and bfloat16 as plain bits, without help from the compiler.
#pragma once

#include <bit>
#include <cstdint>

namespace ns {

// Exact.
float HalfToFloat(uint16_t bits);
inline float BfloatToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

// Rounded to nearest, ties to even; too large becomes an infinity; NaN stays NaN.
uint16_t FloatToHalf(float value);
uint16_t FloatToBfloat(float value);

}  // namespace ns
