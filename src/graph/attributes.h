// Typed attributes of nodes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/onnx_pb.h"

namespace ns {

// Null when the node does not have it.
const ns_onnx::AttributeProto* FindAttribute(const ns_onnx::NodeProto& node, std::string_view name);

// The attribute's value; `fallback` (the operator's default) when it is absent or of another type.
int64_t IntAttribute(const ns_onnx::NodeProto& node, std::string_view name, int64_t fallback);
float FloatAttribute(const ns_onnx::NodeProto& node, std::string_view name, float fallback);
std::string StringAttribute(const ns_onnx::NodeProto& node, std::string_view name, std::string_view fallback);
std::vector<int64_t> IntsAttribute(const ns_onnx::NodeProto& node, std::string_view name, std::vector<int64_t> fallback = {});

// Adds or replaces.
void SetAttribute(ns_onnx::NodeProto& node, std::string_view name, int64_t value);
void SetAttribute(ns_onnx::NodeProto& node, std::string_view name, float value);
void SetAttribute(ns_onnx::NodeProto& node, std::string_view name, std::string_view value);
void SetAttribute(ns_onnx::NodeProto& node, std::string_view name, const std::vector<int64_t>& values);
// False when there was none.
bool RemoveAttribute(ns_onnx::NodeProto& node, std::string_view name);

}  // namespace ns
