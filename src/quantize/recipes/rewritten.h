// A prepared model as the recipes leave it for quantization: the same function in float, other numbers inside.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/model.h"
#include "quantize/observers/channel_observer.h"

namespace ns {

// A value whose channels are multiples of those of the prepared model's value `source`.
struct RescaledValue {
  std::string source;
  ChannelAxis axis = ChannelAxis::kLast;
  std::vector<float> factors;  // by channel, more than 0
};

struct RewrittenModel {
  Model model;
  std::map<std::string, RescaledValue> rescaled;  // by value of `model`; others are as in the prepared model
  std::map<std::string, std::string> notes;       // by operator: what was done to it, for people
};

}  // namespace ns
