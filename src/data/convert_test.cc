#include "data/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "data/float16.h"

namespace ns {
namespace {

template <typename To, typename From>
std::optional<size_t> Convert(const std::vector<From>& in, std::vector<To>* out) {
  out->resize(in.size());
  return ConvertElements(in.data(), DTypeOf<From>(), in.size(), out->data(), DTypeOf<To>());
}

TEST(ConvertTest, TellsExactCheckedRoundedAndImpossibleApart) {
  EXPECT_EQ(ConversionOf(DType::kFloat, DType::kFloat), Conversion::kSame);
  EXPECT_EQ(ConversionOf(DType::kUint8, DType::kFloat), Conversion::kExact);
  EXPECT_EQ(ConversionOf(DType::kUint16, DType::kFloat16), Conversion::kChecked);
  EXPECT_EQ(ConversionOf(DType::kInt32, DType::kInt64), Conversion::kExact);
  EXPECT_EQ(ConversionOf(DType::kInt8, DType::kUint64), Conversion::kChecked);
  EXPECT_EQ(ConversionOf(DType::kInt64, DType::kInt32), Conversion::kChecked);
  EXPECT_EQ(ConversionOf(DType::kDouble, DType::kFloat), Conversion::kRounded);
  EXPECT_EQ(ConversionOf(DType::kFloat16, DType::kBfloat16), Conversion::kRounded);
  EXPECT_EQ(ConversionOf(DType::kFloat, DType::kInt64), Conversion::kImpossible);
  EXPECT_EQ(ConversionOf(DType::kString, DType::kFloat), Conversion::kImpossible);
  EXPECT_EQ(ConversionOf(DType::kUndefined, DType::kUndefined), Conversion::kImpossible);
}

TEST(ConvertTest, IntegersKeepTheirValueOrAreNamed) {
  std::vector<int32_t> narrow;
  EXPECT_EQ((Convert<int32_t, int64_t>({-2147483648, 2147483647, 0}, &narrow)), std::nullopt);
  EXPECT_EQ(narrow, (std::vector<int32_t>{-2147483647 - 1, 2147483647, 0}));
  EXPECT_EQ((Convert<int32_t, int64_t>({1, 2147483648}, &narrow)), 1u);
  std::vector<uint64_t> wide;
  EXPECT_EQ((Convert<uint64_t, int8_t>({127, -1}, &wide)), 1u);
  std::vector<int64_t> from_unsigned;
  EXPECT_EQ((Convert<int64_t, uint64_t>({5, uint64_t{1} << 63}, &from_unsigned)), 1u);
}

TEST(ConvertTest, IntegersBecomeFloatsOnlyExactly) {
  std::vector<float> floats;
  EXPECT_EQ((Convert<float, int64_t>({16777216, -3}, &floats)), std::nullopt);
  EXPECT_EQ(floats, (std::vector<float>{16777216.0f, -3.0f}));
  EXPECT_EQ((Convert<float, int64_t>({16777217}, &floats)), 0u);  // 2^24 + 1
  EXPECT_EQ((Convert<float, int64_t>({std::numeric_limits<int64_t>::max()}, &floats)), 0u);
  EXPECT_EQ((Convert<float, uint8_t>({0, 255}, &floats)), std::nullopt);
  EXPECT_EQ(floats, (std::vector<float>{0.0f, 255.0f}));
}

TEST(ConvertTest, DoublesAreRoundedButNeverBecomeInfinite) {
  std::vector<float> floats;
  EXPECT_EQ((Convert<float, double>({0.1, -2.5}, &floats)), std::nullopt);
  EXPECT_EQ(floats, (std::vector<float>{0.1f, -2.5f}));
  EXPECT_EQ((Convert<float, double>({1e39}, &floats)), 0u);
}

TEST(ConvertTest, HalfPrecisionFollowsIeee754) {
  // Values of binary16: 1, the largest 65504, the smallest subnormal 2^-24, the smallest normal 2^-14.
  EXPECT_EQ(HalfToFloat(0x3C00), 1.0f);
  EXPECT_EQ(HalfToFloat(0xFBFF), -65504.0f);
  EXPECT_EQ(HalfToFloat(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(HalfToFloat(0x0400), std::ldexp(1.0f, -14));
  EXPECT_TRUE(std::isinf(HalfToFloat(0x7C00)));
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7E00)));
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) ASSERT_EQ(FloatToHalf(HalfToFloat(static_cast<uint16_t>(bits))), bits);
  EXPECT_EQ(FloatToHalf(1.0f + std::ldexp(1.0f, -11)), 0x3C00);  // half-way: to even
  EXPECT_EQ(FloatToHalf(1.0f + 3 * std::ldexp(1.0f, -11)), 0x3C02);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7C00);  // half-way beyond the largest
  EXPECT_EQ(FloatToBfloat(1.0f), 0x3F80);
  EXPECT_EQ(BfloatToFloat(0xC000), -2.0f);
}

TEST(ConvertTest, FindsTheFirstNonFiniteValueInUnalignedMemory) {
  std::vector<float> values = {1, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
  std::vector<char> shifted(values.size() * sizeof(float) + 1);
  std::memcpy(shifted.data() + 1, values.data(), values.size() * sizeof(float));
  EXPECT_EQ(FindNonFinite(shifted.data() + 1, DType::kFloat, 3), 1u);
  EXPECT_EQ(FindNonFinite(shifted.data() + 1, DType::kFloat, 1), std::nullopt);
  EXPECT_EQ(FindNonFinite(shifted.data() + 1, DType::kInt32, 3), std::nullopt);
  uint16_t half = 0x7C00;
  EXPECT_EQ(FindNonFinite(&half, DType::kFloat16, 1), 0u);
}

}  // namespace
}  // namespace ns
