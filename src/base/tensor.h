// Tensors in plain memory, row-major, as every part of ours passes them: a type, a shape, bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// Element types, numbered as onnx.TensorProto.DataType and ONNXTensorElementDataType number them.
enum class DType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

// Bytes of one element; 0 for types without a fixed whole number of bytes (string, 4-bit, ...).
size_t DTypeSize(DType dtype);
// "float32", "int64", ... as NumPy names them.
std::string_view DTypeName(DType dtype);

template <typename T>
constexpr DType DTypeOf();
template <> constexpr DType DTypeOf<float>() { return DType::kFloat; }
template <> constexpr DType DTypeOf<double>() { return DType::kDouble; }
template <> constexpr DType DTypeOf<uint8_t>() { return DType::kUint8; }
template <> constexpr DType DTypeOf<int8_t>() { return DType::kInt8; }
template <> constexpr DType DTypeOf<uint16_t>() { return DType::kUint16; }
template <> constexpr DType DTypeOf<int16_t>() { return DType::kInt16; }
template <> constexpr DType DTypeOf<uint32_t>() { return DType::kUint32; }
template <> constexpr DType DTypeOf<int32_t>() { return DType::kInt32; }
template <> constexpr DType DTypeOf<uint64_t>() { return DType::kUint64; }
template <> constexpr DType DTypeOf<int64_t>() { return DType::kInt64; }
template <> constexpr DType DTypeOf<bool>() { return DType::kBool; }

using Shape = std::vector<int64_t>;

// Product of the sizes (1 for a scalar). Sizes are not negative and the product fits in 63 bits (NS_CHECK).
int64_t ElementCount(std::span<const int64_t> shape);
// "[2,128]"; an unknown size (-1) prints as "?".
std::string ShapeToString(std::span<const int64_t> shape);

// Name, type and shape of a model's input or output; -1: any size.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kUndefined;
  Shape shape;
  bool has_shape = true;                      // false: not even the rank is known
  std::vector<std::string> dimension_names;   // as the model names its free sizes; "" where there is none. As long as shape, or empty
};

// Elements owned by somebody else; valid as long as they are. Cheap to copy.
struct TensorView {
  DType dtype = DType::kUndefined;
  Shape shape;
  const void* data = nullptr;

  int64_t count() const { return ElementCount(shape); }
  size_t byte_size() const { return static_cast<size_t>(count()) * DTypeSize(dtype); }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data), byte_size()}; }
  // The elements. T is the type's own C++ type (NS_CHECK).
  template <typename T>
  std::span<const T> values() const {
    NS_CHECK(DTypeOf<T>() == dtype, "tensor of {} read as {}", DTypeName(dtype), DTypeName(DTypeOf<T>()));
    return {static_cast<const T*>(data), static_cast<size_t>(count())};
  }
};

// Elements with a shared owner: copying a Tensor shares them. Change them only through a Tensor nobody else shares yet.
class Tensor {
 public:
  Tensor() = default;
  // Zeroed memory, 64-byte aligned.
  Tensor(DType dtype, Shape shape);
  // Memory kept alive by `owner` (a mapped file, a session's output).
  Tensor(TensorView view, std::shared_ptr<const void> owner) : view_(std::move(view)), owner_(std::move(owner)) {}

  template <typename T>
  static Tensor From(Shape shape, std::span<const T> values) {
    Tensor tensor(DTypeOf<T>(), std::move(shape));
    NS_CHECK(static_cast<size_t>(tensor.view_.count()) == values.size());
    if (!values.empty()) std::memcpy(const_cast<void*>(tensor.view_.data), values.data(), values.size_bytes());
    return tensor;
  }
  template <typename T>
  static Tensor From(Shape shape, std::initializer_list<T> values) {
    return From<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }

  const TensorView& view() const { return view_; }
  DType dtype() const { return view_.dtype; }
  const Shape& shape() const { return view_.shape; }
  int64_t count() const { return view_.count(); }
  size_t byte_size() const { return view_.byte_size(); }
  const void* data() const { return view_.data; }
  template <typename T>
  std::span<const T> values() const { return view_.values<T>(); }
  // Only for a tensor made by Tensor(dtype, shape) or From() that nobody else shares.
  template <typename T>
  std::span<T> mutable_values() {
    auto all = view_.values<T>();
    return {const_cast<T*>(all.data()), all.size()};
  }
  void* mutable_data() { return const_cast<void*>(view_.data); }
  // The same elements under another shape with the same count (NS_CHECK).
  Tensor Reshaped(Shape shape) const;

 private:
  TensorView view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace ns
