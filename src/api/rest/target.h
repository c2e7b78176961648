// The target of a request line: path and query, percent-decoded.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

struct Target {
  std::string path;
  std::vector<std::string> segments;         // of the path, between its slashes, each decoded by itself; empty ones left out
  std::map<std::string, std::string> query;  // of a name given twice, the last
};

// InvalidArgument (BAD_TARGET) for broken percent-encoding, a zero byte or a target that does not start with '/'.
Result<Target> ParseTarget(std::string_view target);

}  // namespace ns
