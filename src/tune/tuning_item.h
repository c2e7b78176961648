// The pieces of work that tuning consists of, and what comes of each.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "quantize/config.h"
#include "tune/objective.h"

namespace ns {

// Quantize with this configuration and evaluate on all rows; it may be stopped early once it is sure to miss the goal.
struct EvaluateItem {
  QuantConfig config;
  std::string label;     // for people: "static, 3 operators in float"
  bool in_full = false;  // not to be stopped early, even where it misses the goal
};
struct EvaluateResult {
  std::vector<double> values;  // the metrics over all evaluation rows, in the order of the goals; of a stopped one: over the rows that were run
  uint64_t size_bytes = 0;     // of the model
  double seconds = 0;          // of the evaluation
  int64_t rows = 0;            // that were run
  bool stopped_early = false;  // it misses the goal; `values` is an estimate
  std::string failure = "";    // not empty: the model could not be made or run, why; the other fields mean nothing
};

// Compare the outputs of the model with those of fp32 on a few rows: cheap, needs no labels.
struct ProbeItem {
  QuantConfig config;
};
struct ProbeResult {
  double output_sqnr_db = 0;  // the least over the outputs, over the rows; +infinity: no difference
  std::string failure = "";
};

// Score each operator that this configuration quantizes.
struct RankItem {
  QuantConfig config;
  bool effects = true;  // false: each operator's own error alone, which one pass over a few rows says
};
struct OperatorScore {
  std::string name;
  double sqnr_db = 0;     // of its own output, its inputs being exact; +infinity: no error
  double effect_db = 0;   // of the model's outputs when it alone is quantized; +infinity: no error; NaN: not measured
  double saved_share = 0; // share of the fp32 model's run that its quantization saves; below 0: costs; NaN: not measured
  bool effect_shared = false;  // effect_db is its part of what its block did
};
struct RankResult {
  std::vector<OperatorScore> operators;  // in graph order; empty: nothing can be ranked
  std::string failure = "";
};

// Time these models, interleaved with fp32, alone on their cores.
struct TimeItem {
  std::vector<QuantConfig> configs;
};
struct TimeResult {
  std::vector<MeasuredModel> models;  // in the order of the configurations
  std::string failure = "";           // then `models` is empty
};

using TuningItem = std::variant<EvaluateItem, ProbeItem, RankItem, TimeItem>;
using TuningResult = std::variant<EvaluateResult, ProbeResult, RankResult, TimeResult>;

std::vector<QuantConfig> ConfigsOf(const TuningItem& item);
// Names an item whatever its order in the history: the kind and the configurations in their one text form. Labels don't
// count.
std::string KeyOf(const TuningItem& item);
// A failed one of the kind that `item` asks for.
TuningResult FailedResult(const TuningItem& item, std::string why);

}  // namespace ns
