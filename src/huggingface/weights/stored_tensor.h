// A tensor where a file of weights holds it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// `data` points at the first element and may lie at any address. Readers have checked that every element lies in the
// memory that `owner` keeps.
struct StoredTensor {
  DType dtype = DType::kUndefined;  // kUndefined: of a type that is not read, named in `type_name`
  Shape shape;
  Shape strides;  // in elements, as long as `shape`; none is negative
  const std::byte* data = nullptr;
  std::shared_ptr<const void> owner;
  std::string type_name;  // as the file spells it
};

using StoredTensors = std::map<std::string, StoredTensor>;

inline constexpr size_t kMaxRank = 16;

// Product of the sizes; none where one is negative or the product is over 2^62.
std::optional<int64_t> CheckedCount(const Shape& shape);
// The strides of row-major elements without gaps.
Shape RowMajorStrides(const Shape& shape);
// Whether the elements lie one behind the other, row-major.
bool IsRowMajor(const StoredTensor& tensor);

// The elements in row-major order; half, bfloat16 and double as float32, others in their own type. Shares the file's
// memory where nothing has to be changed. Unimplemented (WEIGHT_TYPE): a type that is not read.
Result<Tensor> ReadTensor(const StoredTensor& tensor);

}  // namespace ns
