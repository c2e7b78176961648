// Where each operator touches the activations of a prepared model under a configuration: for people who ask what hurts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/range_id.h"

namespace ns {

// A value that an operator reads or makes.
struct OperatorValue {
  std::string value;
  std::optional<RangeId> range;  // of its integers; none: it is in float there, or quantized by its own range at run time
};

struct OperatorValues {
  std::string name;  // as OperatorDecision's
  // The first one that is computed, not constant; none: it reads no floats that are (a table that is looked up).
  std::optional<OperatorValue> input;
  // The last value that its kernel makes: of the Relu or Clip that vanishes into it, where there is one.
  std::optional<OperatorValue> output;
  std::string weight;                // name of its constant weight; "": none
  std::optional<int> channel_axis;   // of the weight: its output channels
  bool reads_images = false;         // a convolution: the channels of its input are the second axis; else they are the last
};

// One for each operator that `config` quantizes (as Quantizer::QuantizedOperators()) and each product, convolution and table that it could, in graph
// order. All values are float32. `prepared`: as PrepareModel() leaves it.
std::vector<OperatorValues> OperatorValuesOf(const Model& prepared, const QuantConfig& config);

}  // namespace ns
