#include "data/convert.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/float16.h"

namespace ns {

namespace {

// What is known of a type's numbers.
struct Traits {
  enum Kind { kNone, kInteger, kFloating } kind = kNone;
  int digits = 0;  // value bits of an integer, significant bits of a float
  bool has_sign = false;
};

Traits TraitsOf(DType dtype) {
  switch (dtype) {
    case DType::kBool: return {Traits::kInteger, 1, false};
    case DType::kUint8: return {Traits::kInteger, 8, false};
    case DType::kInt8: return {Traits::kInteger, 7, true};
    case DType::kUint16: return {Traits::kInteger, 16, false};
    case DType::kInt16: return {Traits::kInteger, 15, true};
    case DType::kUint32: return {Traits::kInteger, 32, false};
    case DType::kInt32: return {Traits::kInteger, 31, true};
    case DType::kUint64: return {Traits::kInteger, 64, false};
    case DType::kInt64: return {Traits::kInteger, 63, true};
    case DType::kFloat16: return {Traits::kFloating, 11, true};
    case DType::kBfloat16: return {Traits::kFloating, 8, true};
    case DType::kFloat: return {Traits::kFloating, 24, true};
    case DType::kDouble: return {Traits::kFloating, 53, true};
    case DType::kUndefined:
    case DType::kString: break;
  }
  return {};
}

template <typename T>
T LoadAt(const void* in, size_t i) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(in) + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void StoreAt(void* out, size_t i, T value) {
  std::memcpy(static_cast<std::byte*>(out) + i * sizeof(T), &value, sizeof(T));
}

double LoadFloat(const void* in, DType dtype, size_t i) {
  switch (dtype) {
    case DType::kFloat: return LoadAt<float>(in, i);
    case DType::kDouble: return LoadAt<double>(in, i);
    case DType::kFloat16: return HalfToFloat(LoadAt<uint16_t>(in, i));
    case DType::kBfloat16: return BfloatToFloat(LoadAt<uint16_t>(in, i));
    default: break;
  }
  NS_CHECK(false, "{} is no floating point type", DTypeName(dtype));
  return 0;
}

// 128 bits hold every integer type's values.
__int128 LoadInteger(const void* in, DType dtype, size_t i) {
  switch (dtype) {
    case DType::kBool: return LoadAt<uint8_t>(in, i) != 0 ? 1 : 0;
    case DType::kUint8: return LoadAt<uint8_t>(in, i);
    case DType::kInt8: return LoadAt<int8_t>(in, i);
    case DType::kUint16: return LoadAt<uint16_t>(in, i);
    case DType::kInt16: return LoadAt<int16_t>(in, i);
    case DType::kUint32: return LoadAt<uint32_t>(in, i);
    case DType::kInt32: return LoadAt<int32_t>(in, i);
    case DType::kUint64: return LoadAt<uint64_t>(in, i);
    case DType::kInt64: return LoadAt<int64_t>(in, i);
    default: break;
  }
  NS_CHECK(false, "{} is no integer type", DTypeName(dtype));
  return 0;
}

// False when a finite value becomes infinite.
bool StoreFloat(void* out, DType dtype, size_t i, double value) {
  switch (dtype) {
    case DType::kDouble: StoreAt<double>(out, i, value); return true;
    case DType::kFloat: StoreAt<float>(out, i, static_cast<float>(value)); break;
    case DType::kFloat16: StoreAt<uint16_t>(out, i, FloatToHalf(static_cast<float>(value))); break;
    case DType::kBfloat16: StoreAt<uint16_t>(out, i, FloatToBfloat(static_cast<float>(value))); break;
    default: NS_CHECK(false, "{} is no floating point type", DTypeName(dtype));
  }
  return !std::isfinite(value) || std::isfinite(LoadFloat(out, dtype, i));
}

// False when the value is out of the type's range.
bool StoreInteger(void* out, DType dtype, size_t i, __int128 value) {
  Traits traits = TraitsOf(dtype);
  __int128 limit = static_cast<__int128>(1) << traits.digits;
  if (value >= limit || value < (traits.has_sign ? -limit : 0)) return false;
  auto bits = static_cast<uint64_t>(value);
  switch (DTypeSize(dtype)) {
    case 1: StoreAt<uint8_t>(out, i, static_cast<uint8_t>(bits)); break;
    case 2: StoreAt<uint16_t>(out, i, static_cast<uint16_t>(bits)); break;
    case 4: StoreAt<uint32_t>(out, i, static_cast<uint32_t>(bits)); break;
    default: StoreAt<uint64_t>(out, i, bits); break;
  }
  return true;
}

// False when the float does not hold the integer exactly.
bool StoreIntegerAsFloat(void* out, DType dtype, size_t i, __int128 value) {
  auto wide = static_cast<double>(value);
  if (static_cast<__int128>(wide) != value || !StoreFloat(out, dtype, i, wide)) return false;
  return LoadFloat(out, dtype, i) == wide;
}

// The conversion of images, worth a plain loop.
void BytesToFloats(const void* in, size_t count, void* out) {
  for (size_t i = 0; i < count; ++i) StoreAt<float>(out, i, LoadAt<uint8_t>(in, i));
}

template <typename F>
std::optional<size_t> FirstNonFinite(const void* in, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(LoadAt<F>(in, i))) return i;
  }
  return std::nullopt;
}

}  // namespace

Conversion ConversionOf(DType from, DType to) {
  if (from == to && DTypeSize(from) > 0) return Conversion::kSame;
  Traits a = TraitsOf(from);
  Traits b = TraitsOf(to);
  if (a.kind == Traits::kNone || b.kind == Traits::kNone) return Conversion::kImpossible;
  if (a.kind == Traits::kFloating) {
    if (b.kind == Traits::kInteger) return Conversion::kImpossible;
    bool wider = to == DType::kDouble || (to == DType::kFloat && from != DType::kDouble);
    return wider ? Conversion::kExact : Conversion::kRounded;
  }
  if (a.digits <= b.digits && (b.has_sign || !a.has_sign)) return Conversion::kExact;
  return Conversion::kChecked;
}

std::optional<size_t> ConvertElements(const void* in, DType in_type, size_t count, void* out, DType out_type) {
  Conversion conversion = ConversionOf(in_type, out_type);
  NS_CHECK(conversion != Conversion::kImpossible, "{} can't become {}", DTypeName(in_type), DTypeName(out_type));
  if (count == 0) return std::nullopt;
  if (conversion == Conversion::kSame) {
    std::memcpy(out, in, count * DTypeSize(in_type));
    return std::nullopt;
  }
  if (in_type == DType::kUint8 && out_type == DType::kFloat) {
    BytesToFloats(in, count, out);
    return std::nullopt;
  }
  bool from_float = TraitsOf(in_type).kind == Traits::kFloating;
  bool to_float = TraitsOf(out_type).kind == Traits::kFloating;
  for (size_t i = 0; i < count; ++i) {
    bool fits = from_float ? StoreFloat(out, out_type, i, LoadFloat(in, in_type, i))
                : to_float ? StoreIntegerAsFloat(out, out_type, i, LoadInteger(in, in_type, i))
                           : StoreInteger(out, out_type, i, LoadInteger(in, in_type, i));
    if (!fits) return i;
  }
  return std::nullopt;
}

std::optional<size_t> FindNonFinite(const void* in, DType dtype, size_t count) {
  if (dtype == DType::kFloat) return FirstNonFinite<float>(in, count);
  if (dtype == DType::kDouble) return FirstNonFinite<double>(in, count);
  if (TraitsOf(dtype).kind != Traits::kFloating) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(LoadFloat(in, dtype, i))) return i;
  }
  return std::nullopt;
}

}  // namespace ns
