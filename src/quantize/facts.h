// What a quantization takes from data: enough to repeat it without.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quantize/range_id.h"

namespace ns {

struct QuantFacts {
  RangeMap ranges;  // of the quantized activations
  // SmoothQuant: what each channel of a value is divided by, for the values that are smoothed (quantize/recipes/smooth_quant.h).
  std::map<std::string, std::vector<float>> smooth_factors;
  std::map<std::string, std::vector<float>> bias_corrections;  // what is added to the bias of each operator

  bool operator==(const QuantFacts&) const = default;
};

}  // namespace ns
