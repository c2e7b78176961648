#include "quantize/output_probe.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "quantize/batch_runner.h"
#include "quantize/sqnr.h"
#include "runtime/session.h"

namespace ns {

namespace {

// The part of the name up to the first one with a number, or "".
std::string_view NumberedPrefix(std::string_view name) {
  size_t begin = 0;
  for (size_t slash = name.find('/', begin); slash != std::string_view::npos; slash = name.find('/', begin)) {
    std::string_view part = name.substr(begin, slash - begin);
    if (std::any_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) return name.substr(0, slash);
    begin = slash + 1;
  }
  return {};
}

// Noise in units of the signal.
double RelativeNoise(double sqnr_db) { return std::pow(10, -sqnr_db / 10); }
double SqnrOfNoise(double noise) { return noise > 0 ? -10 * std::log10(noise) : std::numeric_limits<double>::infinity(); }

struct Block {
  std::vector<std::string> operators;
  double sqnr_db = 0;
};

std::string NameOf(const std::vector<std::string>& block) {
  std::string_view prefix = NumberedPrefix(block[0]);
  return prefix.empty() ? block[0] : std::string(prefix);
}

std::vector<size_t> WorstFirst(const std::vector<Block>& blocks) {
  std::vector<size_t> order(blocks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].sqnr_db < blocks[b].sqnr_db; });
  return order;
}

}  // namespace

std::vector<std::vector<std::string>> OperatorBlocks(std::span<const std::string> names) {
  std::vector<std::vector<std::string>> blocks;
  bool numbered = std::any_of(names.begin(), names.end(), [](const std::string& name) { return !NumberedPrefix(name).empty(); });
  if (!numbered) {
    auto run = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(names.size()))));
    for (size_t i = 0; i < names.size(); ++i) {
      if (i % run == 0) blocks.emplace_back();
      blocks.back().push_back(names[i]);
    }
    return blocks;
  }
  std::map<std::string_view, size_t> known;
  for (const std::string& name : names) {
    std::string_view prefix = NumberedPrefix(name);
    auto [entry, added] = known.try_emplace(prefix.empty() ? std::string_view(name) : prefix, blocks.size());
    if (added) blocks.emplace_back();
    blocks[entry->second].push_back(name);
  }
  return blocks;
}

Result<OutputProbe> OutputProbe::Create(const Quantizer& quantizer, const DataSet& data, std::span<const int64_t> rows, int threads,
                                        ProgressSink& progress, std::stop_token stop) {
  if (rows.empty()) return InvalidArgument("no rows to compare outputs on", "NO_ROWS");
  OutputProbe probe(quantizer, data, rows, threads);
  for (const TensorSpec& output : quantizer.prepared().outputs()) {
    if (output.dtype == DType::kFloat) probe.outputs_.push_back(output.name);
  }
  if (probe.outputs_.empty()) return FailedPrecondition("the model has no float32 output to compare", "NO_FLOAT_OUTPUT");
  NS_ASSIGN_OR_RETURN(probe.exact_, probe.Run(quantizer.prepared(), progress, stop));
  return probe;
}

Result<std::vector<std::vector<Tensor>>> OutputProbe::Run(const Model& model, ProgressSink& progress, std::stop_token stop) const {
  SessionOptions options;
  // A few runs don't pay for weights laid out anew.
  options.config["session.disable_prepacking"] = "1";
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model, options));
  BatchRunOptions run{threads_, 1, outputs_, "probe"};
  std::mutex mutex;
  std::vector<std::vector<Tensor>> all;
  auto keep = [&](BatchResult result) -> Status {
    for (Tensor& output : result.outputs)
      output = Tensor(OwnRows(output.view(), *result.batch, data_->fixed_batch()), std::make_shared<Tensor>(output));
    std::lock_guard lock(mutex);
    if (all.size() <= static_cast<size_t>(result.index)) all.resize(static_cast<size_t>(result.index) + 1);
    all[static_cast<size_t>(result.index)] = std::move(result.outputs);
    return OkStatus();
  };
  NS_RETURN_IF_ERROR(RunBatches(session, *data_, rows_, run, keep, progress, stop));
  return all;
}

Result<double> OutputProbe::Sqnr(const QuantConfig& config, std::stop_token stop) const {
  NS_ASSIGN_OR_RETURN(QuantizedModel quantized, quantizer_->Quantize(config));
  return Sqnr(quantized.model, stop);
}

Result<double> OutputProbe::Sqnr(const Model& model, std::stop_token stop) const {
  NullProgress quiet;
  NS_ASSIGN_OR_RETURN(auto results, Run(model, quiet, stop));
  double least = std::numeric_limits<double>::infinity();
  for (size_t output = 0; output < outputs_.size(); ++output) {
    ErrorSums sums;
    for (size_t batch = 0; batch < results.size(); ++batch) {
      const Tensor& exact = exact_[batch][output];
      const Tensor& other = results[batch][output];
      if (exact.shape() != other.shape()) {
        return Internal(fmt::format("output '{}' of the two models differs in shape", outputs_[output]), "OUTPUT_SHAPE");
      }
      sums.Add(exact.values<float>(), other.values<float>());
    }
    least = std::min(least, sums.sqnr_db());
  }
  return least;
}

Result<double> OutputProbe::SqnrOfOnly(const QuantConfig& config, std::span<const std::string> operators, std::stop_token stop) const {
  QuantConfig only = config;
  only.operators.clear();
  only.defaults.mode = OpMode::kFloat;
  for (const std::string& name : operators) only.operators[name] = config.Of(name);
  auto decisions = quantizer_->QuantizedOperators(only);
  if (decisions.empty()) return std::numeric_limits<double>::infinity();
  return Sqnr(only, stop);
}

Result<std::vector<OperatorEffect>> OutputProbe::Effects(const QuantConfig& config, const EffectOptions& options, ProgressSink& progress,
                                                         std::stop_token stop) const {
  std::vector<OperatorDecision> operators = quantizer_->QuantizedOperators(config);
  std::vector<std::string> names;
  std::map<std::string, std::string> types;
  for (const OperatorDecision& op : operators) {
    names.push_back(op.name);
    types[op.name] = op.type;
  }
  std::vector<Block> blocks;
  for (auto& block : OperatorBlocks(names)) blocks.push_back({std::move(block)});
  auto all = static_cast<double>(std::min(static_cast<size_t>(options.max_runs), blocks.size() + names.size()));
  double runs = 0;
  auto measure = [&](std::span<const std::string> group) -> Result<double> {
    progress.Progress("probe", std::min(runs, all), all);
    ++runs;
    return SqnrOfOnly(config, group, stop);
  };
  for (Block& block : blocks) {
    NS_ASSIGN_OR_RETURN(block.sqnr_db, measure(block.operators));
  }
  std::vector<OperatorEffect> effects;
  for (size_t i : WorstFirst(blocks)) {
    const Block& block = blocks[i];
    size_t size = block.operators.size();
    bool look = size > 1 && runs + static_cast<double>(size) <= options.max_runs;
    for (const std::string& name : block.operators) {
      OperatorEffect effect{name, types[name], NameOf(block.operators), block.sqnr_db, size == 1 || look};
      if (look) {
        NS_ASSIGN_OR_RETURN(effect.sqnr_db, measure(std::span(&name, 1)));
      } else if (size > 1) {
        effect.sqnr_db = SqnrOfNoise(RelativeNoise(block.sqnr_db) / static_cast<double>(size));
      }
      effects.push_back(std::move(effect));
    }
  }
  std::stable_sort(effects.begin(), effects.end(), [](const auto& a, const auto& b) { return a.sqnr_db < b.sqnr_db; });
  progress.Progress("probe", all, all);
  return effects;
}

}  // namespace ns
