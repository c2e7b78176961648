#include "graph/checker.h"

#include <exception>

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

Status CheckStructure(const ns_onnx::ModelProto& proto) {
  try {
    ns_onnx::checker::check_model(proto, /*full_check=*/false, /*skip_opset_compatibility_check=*/true);
    return OkStatus();
  } catch (const std::exception& error) {
    return InvalidArgument("not a valid ONNX model: " + OneLine(error.what()), "INVALID_MODEL");
  }
}

}  // namespace ns
