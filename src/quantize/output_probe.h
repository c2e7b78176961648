// How far a quantized model's outputs are from the float model's, by a few runs over a few rows: cheap enough to ask many times before a
// full evaluation.
//
//   NS_ASSIGN_OR_RETURN(OutputProbe probe, OutputProbe::Create(quantizer, data, rows, threads, progress, stop));
//   NS_ASSIGN_OR_RETURN(double db, probe.Sqnr(config, stop));
//   NS_ASSIGN_OR_RETURN(auto effects, probe.Effects(config, {}, progress, stop));
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "quantize/quantizer.h"

namespace ns {

// What quantizing one operator does to the model's outputs when everything else is in float.
struct OperatorEffect {
  std::string name;
  std::string type;
  std::string block;     // as by OperatorBlocks()
  double sqnr_db = 0;    // of the model's outputs; +infinity: no effect (also where it is not quantized without its neighbours)
  bool measured = true;  // false: not alone, the noise of its block shared out evenly
};

struct EffectOptions {
  // Each is one short run over the probe's rows. First a run a block, then one for each operator of the worst block, of the next, and so on
  // while they last. At least one run a block is made.
  int max_runs = 64;
};

// The operators that belong together, in their order: those whose names are alike up to the first part with a number ("/encoder/layer.3/",
// parts ending at '/'; the last part, the operator's own, does not count). Names without such a part are blocks of their own; where no name
// has one, runs of about sqrt(n) neighbours.
std::vector<std::vector<std::string>> OperatorBlocks(std::span<const std::string> names);

// Const methods may run in parallel. Keeps references to the quantizer and the data, and the float outputs of all rows.
class OutputProbe {
 public:
  // Runs the prepared model over `rows` of `data` with `threads` side by side. InvalidArgument (NO_ROWS); FailedPrecondition
  // (NO_FLOAT_OUTPUT) when no output is float32; errors of Session.
  static Result<OutputProbe> Create(const Quantizer& quantizer, const DataSet& data, std::span<const int64_t> rows, int threads,
                                    ProgressSink& progress, std::stop_token stop);

  // Signal to quantization noise ratio in dB of the float32 outputs over all rows, 10 log10(sum x^2 / sum (x - x')^2); of several outputs
  // the least. +infinity: equal to the last bit; NaN or infinities in an output: -infinity. Errors of Quantize() and Session.
  Result<double> Sqnr(const QuantConfig& config, std::stop_token stop) const;
  // Of a model with the same inputs and outputs.
  Result<double> Sqnr(const Model& model, std::stop_token stop) const;

  // Each operator that `config` quantizes, the most harmful first. Errors of Sqnr(); Cancelled.
  Result<std::vector<OperatorEffect>> Effects(const QuantConfig& config, const EffectOptions& options, ProgressSink& progress,
                                              std::stop_token stop) const;

 private:
  OutputProbe(const Quantizer& quantizer, const DataSet& data, std::span<const int64_t> rows, int threads)
      : quantizer_(&quantizer), data_(&data), rows_(rows.begin(), rows.end()), threads_(threads) {}
  Result<std::vector<std::vector<Tensor>>> Run(const Model& model, ProgressSink& progress, std::stop_token stop) const;
  Result<double> SqnrOfOnly(const QuantConfig& config, std::span<const std::string> operators, std::stop_token stop) const;

  const Quantizer* quantizer_;
  const DataSet* data_;
  std::vector<int64_t> rows_;
  int threads_;
  std::vector<std::string> outputs_;         // the float32 ones
  std::vector<std::vector<Tensor>> exact_;   // by batch and output
};

}  // namespace ns
