#include "api/wire/proto/task_request.h"

#include <google/protobuf/timestamp.pb.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "api/wire/proto/messages.h"
#include "tasks/task_event.h"

namespace ns {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void WriteString(std::string_view text, std::string* out) {
  *out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      *out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void WriteNumber(double value, std::string* out) {
  if (!std::isfinite(value)) return WriteString(fmt::format("{}", value), out);
  *out += fmt::format("{}", value);
}

void WriteObject(const Message& message, std::string* out);

// A Timestamp is the one message that is not an object in JSON.
void WriteMessage(const Message& message, std::string* out) {
  auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message);
  if (time == nullptr) return WriteObject(message, out);
  auto wall = ToWallTime(*time);
  WriteString(wall ? FormatTime(*wall) : "a time outside of the years 1 to 9999", out);
}

// `index` < 0: the field itself, else that element of it.
void WriteValue(const Message& message, const FieldDescriptor* field, int index, std::string* out) {
  const Reflection& in = *message.GetReflection();
  bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return WriteString(one ? in.GetString(message, field) : in.GetRepeatedString(message, field, index), out);
    case FieldDescriptor::CPPTYPE_BOOL: *out += in.GetBool(message, field) ? "true" : "false"; return;
    case FieldDescriptor::CPPTYPE_INT32: *out += std::to_string(in.GetInt32(message, field)); return;
    case FieldDescriptor::CPPTYPE_INT64: *out += std::to_string(in.GetInt64(message, field)); return;
    case FieldDescriptor::CPPTYPE_DOUBLE: return WriteNumber(in.GetDouble(message, field), out);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return WriteMessage(one ? in.GetMessage(message, field) : in.GetRepeatedMessage(message, field, index), out);
    default: NS_CHECK(false, "a request's field {} has a type that is not written", field->full_name());
  }
}

void WriteMap(const Message& message, const FieldDescriptor* field, std::string* out) {
  const Reflection& in = *message.GetReflection();
  *out += '{';
  for (int i = 0; i < in.FieldSize(message, field); ++i) {
    const Message& entry = in.GetRepeatedMessage(message, field, i);
    if (i > 0) *out += ',';
    WriteValue(entry, field->message_type()->map_key(), -1, out);
    *out += ':';
    WriteValue(entry, field->message_type()->map_value(), -1, out);
  }
  *out += '}';
}

void WriteList(const Message& message, const FieldDescriptor* field, std::string* out) {
  *out += '[';
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    if (i > 0) *out += ',';
    WriteValue(message, field, i, out);
  }
  *out += ']';
}

// Fields have the names they have in JSON, but for the two forms of a deadline.
std::string_view JsonName(const FieldDescriptor* field) {
  bool deadline = field->real_containing_oneof() != nullptr && field->real_containing_oneof()->name() == "deadline";
  return deadline ? std::string_view("deadline") : std::string_view(field->name());
}

void WriteObject(const Message& message, std::string* out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  *out += '{';
  for (const FieldDescriptor* field : fields) {
    if (out->back() != '{') *out += ',';
    WriteString(JsonName(field), out);
    *out += ':';
    if (field->is_map()) {
      WriteMap(message, field, out);
    } else if (field->is_repeated()) {
      WriteList(message, field, out);
    } else {
      WriteValue(message, field, -1, out);
    }
  }
  *out += '}';
}

}  // namespace

std::string TaskRequestJson(const neural_solution::Task& task) {
  std::string json;
  WriteObject(task, &json);
  return json;
}

}  // namespace ns
