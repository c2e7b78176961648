// What the tuner may choose from: for each operator the ways in which it can be treated, and the recipes over the whole
// model. Made by the worker from the model and the request's limits; plain data.
#pragma once

#include <string>
#include <vector>

#include "quantize/config.h"

namespace ns {

struct SpaceOperator {
  std::string name;   // node name of the prepared model
  std::string type;   // "MatMul"
  std::string block;  // operators of one repeated part of the model (a layer of a transformer) share it; "": none
  // Ways to treat it, the usual ones first, float always last. At least one.
  std::vector<OpConfig> choices;
  // Share of the fp32 model's run, 0 to 1; all 0 where it was not measured.
  double float_share = 0;
  // The value that it reads; operators of one value share what rescales its channels. "": not told.
  std::string input = "";

  const OpConfig* FirstWith(OpMode mode) const;
};

// What the whole model can be given beside the operators' own treatment.
struct SpaceRecipes {
  bool smooth_quant = false;     // it has products whose input can be smoothed
  bool equalize = false;         // it has neighbours whose channels can be rescaled
  bool bias_correction = false;  // it has biases, or may be given them
};

struct TuningSpace {
  std::vector<SpaceOperator> operators;  // in graph order
  QuantConfig base;                      // what no strategy changes: reduce_range, percentile, quantize_embeddings, ...
  SpaceRecipes recipes;
  std::vector<CalibrationMethod> calibrations = {CalibrationMethod::kMinMax};  // allowed for static operators; the first is the default

  // Every operator in its first choice of `mode`, those that have none in float.
  QuantConfig Uniform(OpMode mode) const;
  // Whether an operator has another choice than float.
  bool Quantizes() const;
  // How many operators have a choice of `mode`.
  int CountWith(OpMode mode) const;
  // Σ float_share of those operators; 1 where shares were not measured and there is one.
  double ShareWith(OpMode mode) const;
};

}  // namespace ns
