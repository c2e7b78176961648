#include "base/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

namespace ns {

size_t DTypeSize(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
    case DType::kInt8:
    case DType::kBool: return 1;
    case DType::kUint16:
    case DType::kInt16:
    case DType::kFloat16:
    case DType::kBfloat16: return 2;
    case DType::kFloat:
    case DType::kInt32:
    case DType::kUint32: return 4;
    case DType::kInt64:
    case DType::kUint64:
    case DType::kDouble: return 8;
    case DType::kUndefined:
    case DType::kString: return 0;
  }
  return 0;
}

std::string_view DTypeName(DType dtype) {
  switch (dtype) {
    case DType::kUndefined: return "undefined";
    case DType::kFloat: return "float32";
    case DType::kUint8: return "uint8";
    case DType::kInt8: return "int8";
    case DType::kUint16: return "uint16";
    case DType::kInt16: return "int16";
    case DType::kInt32: return "int32";
    case DType::kInt64: return "int64";
    case DType::kString: return "string";
    case DType::kBool: return "bool";
    case DType::kFloat16: return "float16";
    case DType::kDouble: return "float64";
    case DType::kUint32: return "uint32";
    case DType::kUint64: return "uint64";
    case DType::kBfloat16: return "bfloat16";
  }
  return "another type";
}

int64_t ElementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    NS_CHECK(size >= 0, "shape {} has no known count", ShapeToString(shape));
    NS_CHECK(!__builtin_mul_overflow(count, size, &count), "shape {} is too large", ShapeToString(shape));
  }
  return count;
}

std::string ShapeToString(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ",";
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

namespace {

// No object is larger than half of the address space. Such a shape of a stranger's model is memory that is short, no mistake of ours.
bool FitsMemory(const Shape& shape, size_t element_bytes) {
  auto bytes = static_cast<int64_t>(element_bytes);
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return true;
  for (int64_t size : shape)
    if (size > 0 && __builtin_mul_overflow(bytes, size, &bytes)) return false;
  return bytes <= std::numeric_limits<int64_t>::max() - 64;
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape) {
  view_.dtype = dtype;
  view_.shape = std::move(shape);
  NS_CHECK(DTypeSize(dtype) > 0, "a tensor of {} has no plain memory", DTypeName(dtype));
  if (!FitsMemory(view_.shape, DTypeSize(dtype))) throw std::bad_alloc();
  size_t bytes = (view_.byte_size() + 63) / 64 * 64;
  void* memory = std::aligned_alloc(64, bytes == 0 ? 64 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  owner_ = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  view_.data = memory;
}

Tensor Tensor::Reshaped(Shape shape) const {
  Tensor other = *this;
  other.view_.shape = std::move(shape);
  NS_CHECK(other.view_.count() == view_.count());
  return other;
}

}  // namespace ns
