#include "graph/tensor_proto.h"

#include <bit>
#include <cstring>

namespace ns {

static_assert(std::endian::native == std::endian::little, "raw_data is used in place");

namespace {

using ns_onnx::TensorProto;

Status BadTensor(const TensorProto& tensor, const std::string& what) {
  return InvalidArgument(fmt::format("tensor '{}' {}: the model file is damaged; export it again", tensor.name(), what), "BAD_TENSOR");
}

// Bits of one element as raw data; 0: not storable.
int BitsOf(int32_t type) {
  switch (type) {
    case TensorProto::INT4:
    case TensorProto::UINT4:
    case TensorProto::FLOAT4E2M1: return 4;
    case TensorProto::FLOAT8E4M3FN:
    case TensorProto::FLOAT8E4M3FNUZ:
    case TensorProto::FLOAT8E5M2:
    case TensorProto::FLOAT8E5M2FNUZ:
    case TensorProto::FLOAT8E8M0: return 8;
    case TensorProto::COMPLEX64: return 64;
    case TensorProto::COMPLEX128: return 128;
    default: return static_cast<int>(DTypeSize(DTypeFromOnnx(type)) * 8);
  }
}

template <typename To, typename Field>
std::string Packed(const Field& field) {
  std::string raw(static_cast<size_t>(field.size()) * sizeof(To), '\0');
  for (int i = 0; i < field.size(); ++i) {
    To element = static_cast<To>(field[i]);
    std::memcpy(raw.data() + static_cast<size_t>(i) * sizeof(To), &element, sizeof(To));
  }
  return raw;
}

// The elements of whichever typed field holds them, as raw data. Types whose field is empty give "".
std::string PackTypedData(const TensorProto& tensor) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
    case TensorProto::COMPLEX64: return Packed<float>(tensor.float_data());
    case TensorProto::DOUBLE:
    case TensorProto::COMPLEX128: return Packed<double>(tensor.double_data());
    case TensorProto::INT32: return Packed<int32_t>(tensor.int32_data());
    case TensorProto::INT64: return Packed<int64_t>(tensor.int64_data());
    case TensorProto::UINT32: return Packed<uint32_t>(tensor.uint64_data());
    case TensorProto::UINT64: return Packed<uint64_t>(tensor.uint64_data());
    case TensorProto::INT16:
    case TensorProto::UINT16:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16: return Packed<uint16_t>(tensor.int32_data());
    default: return Packed<uint8_t>(tensor.int32_data());  // 8 bits and less: one byte an entry
  }
}

}  // namespace

DType DTypeFromOnnx(int32_t onnx_type) {
  if ((onnx_type >= 1 && onnx_type <= 13) || onnx_type == 16) return static_cast<DType>(onnx_type);
  return DType::kUndefined;
}

Shape DimsOf(const TensorProto& tensor) { return Shape(tensor.dims().begin(), tensor.dims().end()); }

std::string DescribeTensor(const TensorProto& tensor) {
  DType dtype = DTypeFromOnnx(tensor.data_type());
  std::string type = dtype == DType::kUndefined ? fmt::format("type {}", tensor.data_type()) : std::string(DTypeName(dtype));
  return fmt::format("{}{}", type, ShapeToString(DimsOf(tensor)));
}

Result<uint64_t> RawByteSize(const TensorProto& tensor) {
  int bits = BitsOf(tensor.data_type());
  if (bits == 0) return BadTensor(tensor, fmt::format("has type {}, which raw data cannot hold", tensor.data_type()));
  constexpr int64_t kMost = int64_t{1} << 54;  // elements; times 128 bits stays below 2^62
  int64_t count = 1;
  for (int64_t size : tensor.dims()) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count) || count > kMost) {
      return BadTensor(tensor, "has the impossible shape " + ShapeToString(DimsOf(tensor)));
    }
  }
  return (static_cast<uint64_t>(count) * static_cast<uint64_t>(bits) + 7) / 8;
}

Status MoveToRawData(TensorProto& tensor) {
  if (tensor.data_type() == TensorProto::STRING || tensor.data_location() == TensorProto::EXTERNAL) return OkStatus();
  NS_ASSIGN_OR_RETURN(uint64_t expected, RawByteSize(tensor));
  if (!tensor.has_raw_data()) {
    std::string raw = PackTypedData(tensor);
    if (raw.size() == expected) {
      tensor.set_raw_data(std::move(raw));
      tensor.clear_float_data();
      tensor.clear_double_data();
      tensor.clear_int32_data();
      tensor.clear_int64_data();
      tensor.clear_uint64_data();
      return OkStatus();
    }
    return BadTensor(tensor, fmt::format("({}) holds {} bytes of elements, its shape needs {}", DescribeTensor(tensor), raw.size(), expected));
  }
  if (tensor.raw_data().size() != expected) {
    return BadTensor(tensor, fmt::format("({}) holds {} bytes, its shape needs {}", DescribeTensor(tensor), tensor.raw_data().size(), expected));
  }
  return OkStatus();
}

void SetTensorHeader(std::string_view name, const Tensor& tensor, TensorProto& proto) {
  proto.set_name(std::string(name));
  proto.set_data_type(static_cast<int32_t>(tensor.dtype()));
  proto.mutable_dims()->Assign(tensor.shape().begin(), tensor.shape().end());
}

TensorProto ToTensorProto(std::string_view name, const Tensor& tensor) {
  TensorProto proto;
  SetTensorHeader(name, tensor, proto);
  proto.set_raw_data(tensor.data(), tensor.byte_size());
  return proto;
}

void SetExternalLocation(TensorProto& tensor, std::string_view location, uint64_t offset, uint64_t length) {
  tensor.clear_raw_data();
  tensor.clear_external_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  auto add = [&](const char* key, std::string value) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(std::move(value));
  };
  add("location", std::string(location));
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

Result<Tensor> FromTensorProto(const TensorProto& proto) {
  DType dtype = DTypeFromOnnx(proto.data_type());
  if (DTypeSize(dtype) == 0 || proto.data_location() == TensorProto::EXTERNAL) {
    return Status(StatusCode::kUnimplemented,
                  fmt::format("tensor '{}' ({}) has no plain elements in memory", proto.name(), DescribeTensor(proto)), "WEIGHT_TYPE");
  }
  NS_ASSIGN_OR_RETURN(uint64_t expected, RawByteSize(proto));
  std::string packed;
  const std::string* raw = &proto.raw_data();
  if (!proto.has_raw_data()) {
    packed = PackTypedData(proto);
    raw = &packed;
  }
  if (raw->size() != expected) {
    return BadTensor(proto, fmt::format("({}) holds {} bytes, its shape needs {}", DescribeTensor(proto), raw->size(), expected));
  }
  Tensor tensor(dtype, DimsOf(proto));
  if (!raw->empty()) std::memcpy(tensor.mutable_data(), raw->data(), raw->size());
  return tensor;
}

}  // namespace ns
