// Post-training quantization of one prepared model: analyse once, calibrate once, then make as many differently configured quantized
// models as the tuner asks for.
//
//   NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(std::move(model), progress, stop));
//   NS_ASSIGN_OR_RETURN(Quantizer quantizer, Quantizer::Create(std::move(prepared)));
//   NS_RETURN_IF_ERROR(quantizer.Calibrate(data, rows, {}, progress, stop));
//   NS_ASSIGN_OR_RETURN(QuantizedModel result, quantizer.Quantize(config));
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/facts.h"
#include "quantize/statistics.h"

namespace ns {

// One operator of the graph and what became of it.
struct OperatorDecision {
  std::string name;  // node name in the prepared model
  std::string type;  // "Conv"
  OpMode mode = OpMode::kFloat;
  std::string why;   // for people: "int8 convolution; output stays int8 for 'Add_7'", "no constant weight"
};

struct QuantizedModel {
  Model model;
  std::vector<OperatorDecision> decisions;  // one for each operator that computes on floats, in graph order
};

// How much an operator's quantization distorts its own output, its inputs being exact.
struct OperatorHarm {
  std::string name;
  std::string type;
  // Signal to quantization noise ratio of its output, 10 log10(sum x^2 / sum (x - x')^2) over all rows given; +infinity: no error.
  double sqnr_db = 0;
};

class Quantizer {
 public:
  // `prepared`: as PrepareModel() leaves it (unique node names, opset >= 13). FailedPrecondition (NOTHING_TO_QUANTIZE) when no operator
  // could ever be quantized.
  static Result<Quantizer> Create(Model prepared);
  Quantizer(Quantizer&&) noexcept;
  Quantizer& operator=(Quantizer&&) noexcept;
  ~Quantizer();

  const Model& prepared() const;

  // The operators that some mode other than kFloat suits, in graph order; `mode` is what a configuration of
  // this default mode would give them.
  std::vector<OperatorDecision> Candidates(OpMode default_mode) const;

  // The operators with an integer computation or table of their own that `config` quantizes, in graph order.
  std::vector<OperatorDecision> QuantizedOperators(const QuantConfig& config) const;

  // What Quantize(config) would decide for each operator, without making anything: needs no calibration.
  std::vector<OperatorDecision> Decisions(const QuantConfig& config) const;

  // Runs the prepared model over `rows` of `data`, keeping statistics of the tensors that static quantization reads: running ranges,
  // and for the entropy, percentile and mse methods histograms of fixed size; never the activations of more than `threads` batches.
  // Later Quantize() calls may ask for `options.methods`, for minmax, and, when a histogram method is among them, for all of these.
  // The result doesn't depend on `threads`. A calibration that fails leaves that before it in force.
  // InvalidArgument (NON_FINITE_VALUE) names the tensor, its operator and the row of a NaN or infinity; Cancelled on stop.
  Status Calibrate(const DataSet& data, std::span<const int64_t> rows, const CalibrationOptions& options, ProgressSink& progress,
                   std::stop_token stop);

  // The same in parts: what Calibrate() would keep of these rows, a whole number of batches of all (`options.first_batch` says which). Parts
  // merged in any order (Statistics::Merge) and used are as good as one calibration with all rows.
  Result<Statistics> Collect(const DataSet& data, std::span<const int64_t> rows, const CalibrationOptions& options, ProgressSink& progress,
                             std::stop_token stop) const;
  // From now on these stand in the place of calibration.
  void UseStatistics(std::shared_ptr<const Statistics> statistics);

  // A new model; the prepared one is unchanged and shares its untouched weights. The recipes rewrite a copy first; a value that they
  // rescale has the range of all values that its channels were seen with, whatever the method. FailedPrecondition (NOT_CALIBRATED) when the
  // configuration has a static operator or a recipe and Calibrate() has not kept what they need; errors of the recipes.
  Result<QuantizedModel> Quantize(const QuantConfig& config) const;

  // What Quantize(config) takes from calibration: the ranges of the activations, the recipes' factors. Errors as Quantize().
  Result<QuantFacts> Facts(const QuantConfig& config) const;
  // From now on these facts stand in the place of calibration for `config`, and for no other: with what Facts(config) said, Quantize(config)
  // makes the same model without any data, which is how a stored recipe is replayed.
  void UseFacts(const QuantConfig& config, QuantFacts facts);

  // The quantized operators of `config` from the most to the least harmful, by one pass over `rows` through a model that computes each
  // operator twice from the same float inputs, once in float and once quantized. At least one row.
  Result<std::vector<OperatorHarm>> RankOperators(const QuantConfig& config, const DataSet& data,
                                                  std::span<const int64_t> rows, int threads,
                                                  ProgressSink& progress, std::stop_token stop) const;

 private:
  struct State;
  explicit Quantizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ns
