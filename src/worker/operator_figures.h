// What is known of each operator, gathered from the parts that measure it, and made into the rows of a report.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "quantize/output_probe.h"
#include "quantize/quantizer.h"
#include "tasks/operator_report.h"

namespace ns {

struct OperatorFigures {
  std::optional<double> sqnr_db, effect_db;  // of the operator quantized as `measured` says
  bool effect_shared = false;
  OpConfig measured;
  std::optional<double> latency_share, float_latency_share;
  std::optional<ActivationReport> input, output;
  std::optional<WeightReport> weight;
};
using FigureMap = std::map<std::string, OperatorFigures>;  // by operator

// "int8 static", "int8 dynamic", "int8 weights", "float".
std::string DecisionName(OpMode mode);

// Ranges, histograms and channels of what the operators read and make, by one run of the prepared model over `rows`, and the spread of their
// weights. What integers stand for is known where the quantizer is calibrated for `config` and no recipe rescales the value. Errors of
// CollectStatistics().
Status MeasureValues(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                     ProgressSink& progress, std::stop_token stop, FigureMap* figures);

// The operators' own SQNR. Errors of Quantizer::RankOperators().
Status MeasureOwn(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                  ProgressSink& progress, std::stop_token stop, FigureMap* figures);

// Their effects on the outputs in about `seconds`: true, or false and nothing measured when that is not enough for a run for each block of
// operators. `whole_db` is set to the SQNR of the outputs when all of them are quantized, also where false is returned. Errors of OutputProbe.
Result<bool> MeasureEffects(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                            double seconds, ProgressSink& progress, std::stop_token stop, FigureMap* figures, double* whole_db);

// Keeps everything in float.
QuantConfig AllInFloat();
// Each operator's share of the fp32 run, as OperatorShares() of AllInFloat() says; operators that ONNX Runtime merged into others have 0.
void TakeFloatShares(const std::map<std::string, double>& shares, std::span<const OperatorDecision> decisions, FigureMap* figures);

// What the rows say, which were made for `config`.
void TakeRows(std::span<const OperatorReport> rows, const QuantConfig& config, FigureMap* figures);

// One row for each decision, in their order, with the advice that its figures give.
std::vector<OperatorReport> OperatorRows(std::span<const OperatorDecision> decisions, const FigureMap& figures);

}  // namespace ns
