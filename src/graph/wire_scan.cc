#include "graph/wire_scan.h"

#include <optional>
#include <string_view>

namespace ns {
namespace {

// Numbers of onnx.proto's fields and protobuf's wire types (protobuf.dev/programming-guides/encoding).
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
enum class Message { kModel, kGraph, kNode, kAttribute, kTensor, kOther };

Message ChildOf(Message parent, uint32_t field) {
  switch (parent) {
    case Message::kModel: return field == 7 ? Message::kGraph : Message::kOther;
    case Message::kGraph: return field == 5 ? Message::kTensor : field == 1 ? Message::kNode : Message::kOther;
    case Message::kNode: return field == 5 ? Message::kAttribute : Message::kOther;
    case Message::kAttribute: return field == 5 ? Message::kTensor : Message::kOther;
    default: return Message::kOther;
  }
}

constexpr uint32_t kTensorType = 2, kTensorFloats = 4, kTensorRaw = 9, kTensorDoubles = 10, kTensorExternal = 13, kTensorLocation = 14;

struct Field {
  uint32_t number = 0;
  uint32_t wire = 0;
  uint64_t value = 0;         // of a varint
  std::string_view payload;   // of kBytes
  std::string_view encoded;   // tag, length and payload
};

// Walks the fields of one message.
class Fields {
 public:
  enum class Next { kField, kEnd, kPastEnd, kBad };
  explicit Fields(std::string_view message) : all_(message), rest_(message) {}

  Next Read(Field& field) {
    if (rest_.empty()) return Next::kEnd;
    const char* start = rest_.data();
    uint64_t tag = 0;
    if (!ReadVarint(tag)) return Unreadable();
    field.number = static_cast<uint32_t>(tag >> 3);
    field.wire = static_cast<uint32_t>(tag & 7);
    if (tag >> 32 != 0 || field.number == 0) return Next::kBad;
    Next body = ReadBody(field);
    field.encoded = std::string_view(start, static_cast<size_t>(rest_.data() - start));
    return body;
  }
  size_t offset() const { return static_cast<size_t>(rest_.data() - all_.data()); }

 private:
  Next ReadBody(Field& field) {
    uint64_t length = 0;
    switch (field.wire) {
      case kVarint: return ReadVarint(field.value) ? Next::kField : Unreadable();
      case kFixed64: length = 8; break;
      case kFixed32: length = 4; break;
      case kBytes:
        if (!ReadVarint(length)) return Unreadable();
        break;
      default: return Next::kBad;  // groups: onnx has none
    }
    if (length > rest_.size()) return Next::kPastEnd;
    field.payload = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return Next::kField;
  }

  // Of a varint: 10 bytes are the most it may have.
  Next Unreadable() const { return rest_.size() < 10 ? Next::kPastEnd : Next::kBad; }

  bool ReadVarint(uint64_t& value) {
    value = 0;
    for (size_t i = 0; i < 10 && i < rest_.size(); ++i) {
      auto byte = static_cast<uint8_t>(rest_[i]);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  std::string_view all_, rest_;
};

void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendBytesField(uint32_t number, std::string_view payload, std::string& out) {
  AppendVarint(number << 3 | kBytes, out);
  AppendVarint(payload.size(), out);
  out.append(payload);
}

class Reducer {
 public:
  Reducer(size_t least_bytes, uint64_t max_structure_bytes) : least_(least_bytes), max_(max_structure_bytes) {}

  Status Reduce(std::string_view message, Message kind, std::string& out) {
    if (kind == Message::kTensor) return ReduceTensor(message, out);
    Fields fields(message);
    Field field;
    while (true) {
      Fields::Next next = fields.Read(field);
      if (next == Fields::Next::kEnd) return OkStatus();
      if (next != Fields::Next::kField) return Damaged(fields, field, kind, message.size(), next);
      Message child = field.wire == kBytes ? ChildOf(kind, field.number) : Message::kOther;
      if (child == Message::kOther) {
        NS_RETURN_IF_ERROR(Count(field.encoded.size()));
        out.append(field.encoded);
        continue;
      }
      std::string reduced;
      NS_RETURN_IF_ERROR(Reduce(field.payload, child, reduced));
      NS_RETURN_IF_ERROR(Count(8));
      AppendBytesField(field.number, reduced, out);
    }
  }

  std::vector<std::span<const std::byte>> TakeTensors() { return std::move(tensors_); }

 private:
  // Everything but the data; then, if the data is big and alone, the mark, else the data as it was.
  Status ReduceTensor(std::string_view message, std::string& out) {
    Fields fields(message);
    Field field;
    std::optional<Field> data;
    int data_fields = 0;
    uint64_t type = 0;
    bool external = false;
    while (true) {
      Fields::Next next = fields.Read(field);
      if (next == Fields::Next::kEnd) break;
      if (next != Fields::Next::kField) return Damaged(fields, field, Message::kTensor, message.size(), next);
      if (field.number == kTensorType && field.wire == kVarint) type = field.value;
      external |= field.number == kTensorExternal || field.number == kTensorLocation;
      bool is_data = field.wire == kBytes && (field.number == kTensorRaw || field.number == kTensorFloats || field.number == kTensorDoubles);
      if (is_data) {
        ++data_fields;
        data = field;
      }
    }
    bool plain = data && (data->number == kTensorRaw || (data->number == kTensorFloats && type == 1) || (data->number == kTensorDoubles && type == 11));
    if (!plain || data_fields != 1 || external || data->payload.size() < least_) {
      NS_RETURN_IF_ERROR(Count(message.size()));
      out.append(message);
      return OkStatus();
    }
    out.append(message.substr(0, static_cast<size_t>(data->encoded.data() - message.data())));
    out.append(message.substr(static_cast<size_t>(data->encoded.data() + data->encoded.size() - message.data())));
    AppendMark(out);
    tensors_.push_back(std::as_bytes(std::span(data->payload)));
    return Count(message.size() - data->payload.size() + 32);
  }

  // data_location = EXTERNAL, external_data = {"location": "#<index>"}
  void AppendMark(std::string& out) {
    AppendVarint(kTensorLocation << 3 | kVarint, out);
    AppendVarint(1, out);
    std::string entry;
    AppendBytesField(1, "location", entry);
    AppendBytesField(2, fmt::format("#{}", tensors_.size()), entry);
    AppendBytesField(kTensorExternal, entry, out);
  }

  Status Count(size_t bytes) {
    used_ += bytes;
    if (used_ <= max_) return OkStatus();
    return ResourceExhausted(fmt::format("its structure without weights is over {} MiB, more than any real model has", max_ >> 20),
                             "MODEL_TOO_LARGE");
  }

  static Status Damaged(const Fields& fields, const Field& field, Message kind, size_t size, Fields::Next next) {
    // Only what the outermost message lacks at its end can be a file cut short; inside, lengths contradict each other.
    if (kind == Message::kModel && next == Fields::Next::kPastEnd && field.number <= 25) {
      return InvalidArgument(fmt::format("the file ends after {} bytes, in the middle of its field {}: it was cut short; copy or export it again",
                                         size, field.number),
                             "TRUNCATED_MODEL");
    }
    return InvalidArgument(fmt::format("not an ONNX model: its bytes are no ONNX protobuf message (at byte {})", fields.offset()), "NOT_ONNX");
  }

  size_t least_;
  uint64_t max_;
  uint64_t used_ = 0;
  std::vector<std::span<const std::byte>> tensors_;
};

}  // namespace

Result<ReducedModel> ReduceModel(std::span<const std::byte> file, size_t least_bytes, uint64_t max_structure_bytes) {
  Reducer reducer(least_bytes, max_structure_bytes);
  ReducedModel result;
  std::string_view message(reinterpret_cast<const char*>(file.data()), file.size());
  NS_RETURN_IF_ERROR(reducer.Reduce(message, Message::kModel, result.structure));
  result.tensors = reducer.TakeTensors();
  return result;
}

}  // namespace ns
