#include "data/float16.h"

#include <cmath>

namespace ns {

float HalfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t{bits} >> 15 << 31;
  uint32_t exponent = (bits >> 10) & 31;
  uint32_t fraction = bits & 1023u;
  if (exponent == 0) {
    float magnitude = std::ldexp(static_cast<float>(fraction), -24);  // zero and subnormals: fraction · 2^-24
    return sign != 0 ? -magnitude : magnitude;
  }
  uint32_t wide = exponent == 31 ? 255 : exponent + 112;  // 112 = 127 - 15, the difference of the biases
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

uint16_t FloatToHalf(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return sign | 0x7E00u;   // NaN
  if (magnitude >= 0x47800000u) return sign | 0x7C00u;  // 65536 and more, infinity
  if (magnitude < 0x38800000u) {                        // below 2^-14: subnormal, a multiple of 2^-24
    float scaled = std::nearbyint(std::ldexp(std::bit_cast<float>(magnitude), 24));
    return sign | static_cast<uint16_t>(scaled);
  }
  // Adding just under half of the last kept bit, and one more when that bit is odd, rounds to even.
  uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u);
  return sign | static_cast<uint16_t>((rounded >> 13) - (112u << 10));
}

uint16_t FloatToBfloat(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace ns
