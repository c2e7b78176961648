// Serializes a model as one protobuf message without ever holding it: the structure in pieces, each big weight by reference.
#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"
#include "graph/model.h"

namespace ns {

struct WireSink {
  std::function<Status(std::string_view bytes)> bytes;
  // The elements of a weight, in place of copying them through `bytes`.
  std::function<Status(const Model::WeightBytesView& weight)> weight;
};

// Calls the sink with consecutive parts of the serialized ModelProto; stops at the first error and returns it.
Status WriteModel(const Model& model, const WireSink& sink);

// All of it in memory, for a model that is small or must be.
Result<std::string> SerializeModel(const Model& model);

}  // namespace ns
