#include "worker/operator_figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "graph/graph_index.h"
#include "quantize/operator_values.h"
#include "quantize/statistics.h"
#include "worker/operator_advice.h"
#include "worker/value_figures.h"

namespace ns {

namespace {

// Stands for outputs that are no numbers, which JSON can't say.
constexpr double kWorstDb = -200;
constexpr int kMostRuns = 256;

std::optional<double> Finite(double db) {
  if (std::isnan(db) || db == -std::numeric_limits<double>::infinity()) return kWorstDb;
  return std::isfinite(db) ? std::optional(db) : std::nullopt;
}

std::optional<ChannelKey> ChannelsOf(const OperatorValues& values) {
  if (!values.input || values.weight.empty()) return std::nullopt;
  return ChannelKey{values.input->value, values.reads_images ? ChannelAxis::kSecond : ChannelAxis::kLast};
}

Watched WatchedBy(std::span<const OperatorValues> operators) {
  Watched watched;
  for (const OperatorValues& one : operators) {
    if (one.input) watched.values.insert(one.input->value);
    if (one.output) watched.values.insert(one.output->value);
    if (auto channels = ChannelsOf(one)) watched.channels.insert(*channels);
  }
  return watched;
}

// What calibration found, less the values that a recipe rescales: their integers stand for other numbers than those seen.
RangeMap KnownRanges(const Quantizer& quantizer, const QuantConfig& config) {
  if (config.equalize) return {};  // any value may be rescaled
  auto facts = quantizer.Facts(config);
  if (!facts.ok()) return {};
  std::erase_if(facts->ranges, [&](const auto& entry) { return facts->smooth_factors.contains(entry.first.value); });
  return std::move(facts->ranges);
}

class ValueReader {
 public:
  ValueReader(const Statistics& statistics, RangeMap ranges) : statistics_(statistics), ranges_(std::move(ranges)) {}

  std::optional<ActivationReport> Read(const std::optional<OperatorValue>& value, const std::optional<ChannelKey>& key) const {
    if (!value) return std::nullopt;
    auto seen = statistics_.values.find(value->value);
    if (seen == statistics_.values.end()) return std::nullopt;
    std::optional<Range> covered;
    if (value->range)
      if (auto range = ranges_.find(*value->range); range != ranges_.end()) covered = range->second;
    const ChannelObserver* channels = nullptr;
    if (key)
      if (auto found = statistics_.channels.find(*key); found != statistics_.channels.end()) channels = &found->second;
    auto figures = ActivationFigures(value->value, seen->second, covered, channels);
    if (!figures.ok()) return std::nullopt;
    if (covered) figures->calibration = CalibrationMethodName(value->range->method);
    return std::move(*figures);
  }

 private:
  const Statistics& statistics_;
  RangeMap ranges_;
};

}  // namespace

std::string DecisionName(OpMode mode) {
  switch (mode) {
    case OpMode::kFloat:
      return "float";
    case OpMode::kStatic:
      return "int8 static";
    case OpMode::kDynamic:
      return "int8 dynamic";
    case OpMode::kWeightOnly:
      return "int8 weights";
    case OpMode::kWeightOnlyInt4:
      return "int4 weights";
  }
  return "float";
}

Status MeasureValues(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                     ProgressSink& progress, std::stop_token stop, FigureMap* figures) {
  const Model& model = quantizer.prepared();
  std::vector<OperatorValues> operators = OperatorValuesOf(model, config);
  CalibrationOptions options;
  options.methods = {CalibrationMethod::kPercentile};  // keeps histograms
  options.threads = threads;
  options.batch_size = data.fixed_batch().value_or(1);
  options.channels = true;
  GraphIndex index(model);
  NS_ASSIGN_OR_RETURN(Statistics statistics, CollectStatistics(model, index, WatchedBy(operators), data, rows, options, progress, stop));
  ValueReader reader(statistics, KnownRanges(quantizer, config));
  for (const OperatorValues& one : operators) {
    OperatorFigures& entry = (*figures)[one.name];
    entry.input = reader.Read(one.input, ChannelsOf(one));
    entry.output = reader.Read(one.output, std::nullopt);
    if (one.weight.empty() || !one.channel_axis) continue;
    NS_ASSIGN_OR_RETURN(entry.weight, WeightFigures(model, one.weight, *one.channel_axis));
    model.DropWeightPages(one.weight);
  }
  return OkStatus();
}

Status MeasureOwn(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                  ProgressSink& progress, std::stop_token stop, FigureMap* figures) {
  NS_ASSIGN_OR_RETURN(auto harms, quantizer.RankOperators(config, data, rows, threads, progress, stop));
  for (const OperatorHarm& harm : harms) {
    OperatorFigures& entry = (*figures)[harm.name];
    entry.sqnr_db = Finite(harm.sqnr_db);
    entry.measured = config.Of(harm.name);
  }
  return OkStatus();
}

Result<bool> MeasureEffects(const Quantizer& quantizer, const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows, int threads,
                            double seconds, ProgressSink& progress, std::stop_token stop, FigureMap* figures, double* whole_db) {
  std::vector<std::string> names;
  for (const OperatorDecision& op : quantizer.QuantizedOperators(config)) names.push_back(op.name);
  auto start = std::chrono::steady_clock::now();
  auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  NS_ASSIGN_OR_RETURN(OutputProbe probe, OutputProbe::Create(quantizer, data, rows, threads, progress, stop));
  double before = spent();
  NS_ASSIGN_OR_RETURN(*whole_db, probe.Sqnr(config, stop));
  // The run of the whole is one of the dearest.
  double runs = (seconds - spent()) / std::max(spent() - before, 1e-3);
  EffectOptions options;
  options.max_runs = static_cast<int>(std::clamp(runs, 0.0, static_cast<double>(kMostRuns)));
  if (names.empty() || OperatorBlocks(names).size() > static_cast<size_t>(options.max_runs)) return false;
  NS_ASSIGN_OR_RETURN(auto effects, probe.Effects(config, options, progress, stop));
  for (const OperatorEffect& effect : effects) {
    OperatorFigures& entry = (*figures)[effect.name];
    entry.effect_db = Finite(effect.sqnr_db);
    entry.effect_shared = !effect.measured;
    entry.measured = config.Of(effect.name);
  }
  return true;
}

QuantConfig AllInFloat() {
  QuantConfig config;
  config.defaults.mode = OpMode::kFloat;
  config.quantize_embeddings = false;
  return config;
}

void TakeFloatShares(const std::map<std::string, double>& shares, std::span<const OperatorDecision> decisions, FigureMap* figures) {
  for (const OperatorDecision& op : decisions) {
    auto share = shares.find(op.name);
    (*figures)[op.name].float_latency_share = share == shares.end() ? 0 : share->second;
  }
}

void TakeRows(std::span<const OperatorReport> rows, const QuantConfig& config, FigureMap* figures) {
  for (const OperatorReport& row : rows) {
    OperatorFigures& entry = (*figures)[row.name];
    if (row.sqnr_db) entry.sqnr_db = row.sqnr_db;
    if (row.effect_db) entry.effect_db = row.effect_db;
    entry.effect_shared = row.effect_shared;
    entry.input = row.input;
    entry.output = row.output;
    entry.weight = row.weight;
    if (entry.measured == OpConfig()) entry.measured = config.Of(row.name);
  }
}

std::vector<OperatorReport> OperatorRows(std::span<const OperatorDecision> decisions, const FigureMap& figures) {
  std::vector<OperatorReport> rows;
  for (const OperatorDecision& decision : decisions) {
    OperatorReport& row = rows.emplace_back();
    row.name = decision.name;
    row.type = decision.type;
    row.decision = DecisionName(decision.mode);
    row.why = decision.why;
    auto found = figures.find(decision.name);
    if (found == figures.end()) continue;
    const OperatorFigures& known = found->second;
    row.sqnr_db = known.sqnr_db;
    row.latency_share = known.latency_share;
    row.effect_db = known.effect_db;
    row.effect_shared = known.effect_shared;
    row.float_latency_share = known.float_latency_share;
    row.input = known.input;
    row.output = known.output;
    row.weight = known.weight;
    row.advice = AdviceFor(row, known.measured);
  }
  return rows;
}

}  // namespace ns
