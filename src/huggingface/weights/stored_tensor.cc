#include "huggingface/weights/stored_tensor.h"

#include <algorithm>
#include <cstring>

#include "data/float16.h"

namespace ns {

namespace {

template <typename T>
T Unaligned(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Elements of `size` bytes by their strides, row-major.
void CopyStrided(const StoredTensor& tensor, size_t size, std::byte* out) {
  size_t rank = tensor.shape.size();
  auto count = static_cast<size_t>(ElementCount(tensor.shape));
  Shape index(rank, 0);
  const std::byte* from = tensor.data;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(out + i * size, from, size);
    for (size_t axis = rank; axis-- > 0;) {
      int64_t step = tensor.strides[axis] * static_cast<int64_t>(size);
      if (++index[axis] < tensor.shape[axis]) {
        from += step;
        break;
      }
      from -= step * (tensor.shape[axis] - 1);
      index[axis] = 0;
    }
  }
}

Tensor ToFloat(const Tensor& tensor) {
  Tensor wide(DType::kFloat, tensor.shape());
  auto out = wide.mutable_values<float>();
  const auto* from = static_cast<const std::byte*>(tensor.data());
  for (size_t i = 0; i < out.size(); ++i) {
    switch (tensor.dtype()) {
      case DType::kFloat16:
        out[i] = HalfToFloat(Unaligned<uint16_t>(from + i * 2));
        break;
      case DType::kBfloat16:
        out[i] = BfloatToFloat(Unaligned<uint16_t>(from + i * 2));
        break;
      default:
        out[i] = static_cast<float>(Unaligned<double>(from + i * 8));
    }
  }
  return wide;
}

}  // namespace

std::optional<int64_t> CheckedCount(const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (count > (int64_t{1} << 62) / size) {
      return std::nullopt;
    } else {
      count *= size;
    }
  }
  return empty ? 0 : count;
}

Shape RowMajorStrides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * std::max<int64_t>(shape[axis], 1);
  return strides;
}

bool IsRowMajor(const StoredTensor& tensor) {
  Shape wanted = RowMajorStrides(tensor.shape);
  for (size_t axis = 0; axis < wanted.size(); ++axis) {
    if (tensor.shape[axis] > 1 && tensor.strides[axis] != wanted[axis]) return false;
  }
  return true;
}

Result<Tensor> ReadTensor(const StoredTensor& stored) {
  size_t size = DTypeSize(stored.dtype);
  if (size == 0) {
    return Status(StatusCode::kUnimplemented, fmt::format("its type {} is not read", stored.type_name), "WEIGHT_TYPE");
  }
  Tensor tensor;
  if (IsRowMajor(stored) || ElementCount(stored.shape) == 0) {
    tensor = Tensor(TensorView{stored.dtype, stored.shape, stored.data}, stored.owner);
  } else {
    tensor = Tensor(stored.dtype, stored.shape);
    CopyStrided(stored, size, static_cast<std::byte*>(tensor.mutable_data()));
  }
  bool narrow = stored.dtype == DType::kFloat16 || stored.dtype == DType::kBfloat16 || stored.dtype == DType::kDouble;
  return narrow ? ToFloat(tensor) : tensor;
}

}  // namespace ns
