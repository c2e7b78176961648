// Where the time of a run goes, by ONNX Runtime's own profile of the graph that it really runs.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/session.h"

namespace ns {

struct NodeTime {
  // As ONNX Runtime names it: the model's node that it was made of, or (in blocked layouts) the value that it makes with "_nchwc", or a name
  // of a fusion's own. A suffix "_token_12", which tells namesakes apart, is taken off.
  std::string name;
  std::string type;     // "QLinearConv"
  double seconds = 0;   // of one run: the median, since a run in which something else had the processor says nothing
};

// Loads `model` as `options` say, with the profile's file in a folder below `scratch` for the while, runs each of `rows` once after one run to warm up, and returns the nodes in the order of their first run;
// those of one name and type are one entry.
// InvalidArgument (NO_ROWS); errors of Session; Internal (BAD_PROFILE).
Result<std::vector<NodeTime>> ProfileNodes(const Model& model, SessionOptions options, std::span<const NamedTensors> rows,
                                           const std::filesystem::path& scratch, std::stop_token stop = {});

// The nodes of a profile's JSON that holds `runs` runs and one before them, which does not count.
Result<std::vector<NodeTime>> ParseProfile(std::string_view json, int runs);

}  // namespace ns
