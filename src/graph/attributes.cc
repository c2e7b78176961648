#include "graph/attributes.h"

namespace ns {

using ns_onnx::AttributeProto;
using ns_onnx::NodeProto;

namespace {

// A fresh attribute of that name and type, the old one gone.
AttributeProto& Fresh(NodeProto& node, std::string_view name, AttributeProto::AttributeType type) {
  RemoveAttribute(node, name);
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(type);
  return attribute;
}

}  // namespace

const AttributeProto* FindAttribute(const NodeProto& node, std::string_view name) {
  for (const AttributeProto& attribute : node.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

int64_t IntAttribute(const NodeProto& node, std::string_view name, int64_t fallback) {
  const AttributeProto* found = FindAttribute(node, name);
  return found != nullptr && found->type() == AttributeProto::INT ? found->i() : fallback;
}

float FloatAttribute(const NodeProto& node, std::string_view name, float fallback) {
  const AttributeProto* found = FindAttribute(node, name);
  return found != nullptr && found->type() == AttributeProto::FLOAT ? found->f() : fallback;
}

std::string StringAttribute(const NodeProto& node, std::string_view name, std::string_view fallback) {
  const AttributeProto* found = FindAttribute(node, name);
  return found != nullptr && found->type() == AttributeProto::STRING ? found->s() : std::string(fallback);
}

std::vector<int64_t> IntsAttribute(const NodeProto& node, std::string_view name, std::vector<int64_t> fallback) {
  const AttributeProto* found = FindAttribute(node, name);
  if (found == nullptr || found->type() != AttributeProto::INTS) return fallback;
  return {found->ints().begin(), found->ints().end()};
}

void SetAttribute(NodeProto& node, std::string_view name, int64_t value) { Fresh(node, name, AttributeProto::INT).set_i(value); }
void SetAttribute(NodeProto& node, std::string_view name, float value) { Fresh(node, name, AttributeProto::FLOAT).set_f(value); }
void SetAttribute(NodeProto& node, std::string_view name, std::string_view value) {
  Fresh(node, name, AttributeProto::STRING).set_s(std::string(value));
}
void SetAttribute(NodeProto& node, std::string_view name, const std::vector<int64_t>& values) {
  Fresh(node, name, AttributeProto::INTS).mutable_ints()->Assign(values.begin(), values.end());
}

bool RemoveAttribute(NodeProto& node, std::string_view name) {
  for (int i = 0; i < node.attribute_size(); ++i) {
    if (node.attribute(i).name() != name) continue;
    node.mutable_attribute()->DeleteSubrange(i, 1);
    return true;
  }
  return false;
}

}  // namespace ns
