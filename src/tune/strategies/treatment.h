// What can be done for a quantized model that loses too much, before any of its operators is given up.
#pragma once

#include <string>

#include "tune/strategies/inquiry.h"

namespace ns {

struct Treated {
  QuantConfig config;
  std::string label;     // "static, equalized, smoothed 0.60"
  bool changed = false;  // false: nothing helped enough to be worth an evaluation
};

// The combination of treatments after which the outputs are nearest to fp32's, found greedily by the SQNR over a few rows: each
// treatment alone, then the best one with the next best and so on while it gains, SmoothQuant's alpha on the way.
Result<Treated> Treat(Inquiry& ask, const QuantConfig& config, const std::string& label);

// One alpha of SmoothQuant a layer in the place of one for all: the products that read one value take that with which their own outputs are nearest to
// fp32's, as one pass over a few rows says for each alpha. `changed`: the model's outputs come enough nearer to be worth an evaluation.
Result<Treated> SmoothLayerByLayer(Inquiry& ask, const Treated& treated);

}  // namespace ns
