#include "graph/checker.h"

#include <exception>

#include "base/utf8.h"
#include "onnx/checker.h"

namespace ns {

std::string OneLine(std::string_view text, size_t limit) {
  std::string line;
  for (char c : text) {
    bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line.push_back(blank ? ' ' : c);
    if (line.size() == limit) return line + "...";
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Status CheckNames(const ns_onnx::GraphProto& graph) {
  Status status;
  auto check = [&](const std::string& name) {
    if (!status.ok() || !FindBadUtf8(name)) return;
    std::string shown;
    for (char c : name.substr(0, 100)) shown += c >= 0x20 && c < 0x7F ? c : '?';
    status = InvalidArgument(fmt::format("the name '{}' in it is not UTF-8: rename it, or export the model again", shown), "INVALID_MODEL");
  };
  for (const auto& info : graph.input()) check(info.name());
  for (const auto& info : graph.output()) check(info.name());
  for (const auto& tensor : graph.initializer()) check(tensor.name());
  for (const auto& node : graph.node()) {
    check(node.name());
    for (const std::string& output : node.output()) check(output);
  }
  return status;
}

Status CheckStructure(const ns_onnx::ModelProto& proto) {
  try {
    ns_onnx::checker::check_model(proto, /*full_check=*/false, /*skip_opset_compatibility_check=*/true);
    return OkStatus();
  } catch (const std::exception& error) {
    return InvalidArgument("not a valid ONNX model: " + OneLine(error.what()), "INVALID_MODEL");
  }
}

}  // namespace ns
