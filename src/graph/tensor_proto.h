// onnx.TensorProto to and from plain bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/tensor.h"
#include "onnx/onnx_pb.h"

namespace ns {

// Bytes that the elements of `tensor` take as raw data, from its type and dims alone (types under 8 bits are packed two to a byte).
// InvalidArgument (BAD_TENSOR): a negative size, a product over 2^62, a type that raw data cannot hold.
Result<uint64_t> RawByteSize(const ns_onnx::TensorProto& tensor);

// Moves the elements from float_data, int32_data, ... to raw_data, little-endian, and checks their number. Tensors of strings and those
// with external data stay as they are. InvalidArgument (BAD_TENSOR) when the number of elements is not what the dims say.
Status MoveToRawData(ns_onnx::TensorProto& tensor);

// Type, dims and name; no data.
void SetTensorHeader(std::string_view name, const Tensor& tensor, ns_onnx::TensorProto& proto);
// With its elements as raw data: a copy.
ns_onnx::TensorProto ToTensorProto(std::string_view name, const Tensor& tensor);

// Marks the tensor as stored in a file: `length` bytes from `offset` on of `location` (relative to a folder that the reader knows).
void SetExternalLocation(ns_onnx::TensorProto& tensor, std::string_view location, uint64_t offset, uint64_t length);

// A copy of the elements. Errors as MoveToRawData(); Unimplemented (WEIGHT_TYPE) for types that DType does not have.
Result<Tensor> FromTensorProto(const ns_onnx::TensorProto& proto);

// The DType with onnx's number, kUndefined for those that DType does not have.
DType DTypeFromOnnx(int32_t onnx_type);
Shape DimsOf(const ns_onnx::TensorProto& tensor);

// "tensor(float32)[2,3]" and so on, for messages.
std::string DescribeTensor(const ns_onnx::TensorProto& tensor);

}  // namespace ns
