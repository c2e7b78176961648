#include "quantize/quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <set>

#include "graph/graph_index.h"
#include "quantize/batch_runner.h"
#include "quantize/calibration/methods.h"
#include "quantize/plan.h"
#include "quantize/qdq_inserter.h"
#include "quantize/recipes/bias_correction.h"
#include "quantize/recipes/equalize.h"
#include "quantize/recipes/smooth_quant.h"
#include "quantize/sqnr.h"
#include "runtime/session.h"

namespace ns {

namespace {

// Operators whose distortion can be told apart: those with an integer computation or table of their own.
bool IsOwnOperator(OpRole role) {
  return role == OpRole::kConvolution || role == OpRole::kMatMul || role == OpRole::kEmbedding || role == OpRole::kElementwise;
}

OperatorDecision DecisionOf(const ns_onnx::NodeProto& node, const NodePlan& plan) {
  return {node.name(), node.op_type(), plan.mode, plan.why};
}

// What a configuration quantizes: the prepared model, or what the recipes made of it.
struct Work {
  std::optional<RewrittenModel> rewritten;
  std::optional<GraphIndex> rewritten_index;
  const Model* model = nullptr;
  const GraphIndex* index = nullptr;
  const QuantFacts* given = nullptr;  // in the place of calibration
  Plan plan;
  QuantFacts facts;
  ActivationParams params;

  const RescaledValue* Rescaled(const std::string& value) const {
    if (!rewritten) return nullptr;
    auto entry = rewritten->rescaled.find(value);
    return entry == rewritten->rescaled.end() ? nullptr : &entry->second;
  }
};

}  // namespace

struct Quantizer::State {
  explicit State(Model model) : prepared(std::move(model)), index(prepared) {}

  // The value whose statistics stand for `value`: operators that only move elements have the range of their input.
  std::string ObservedValue(std::string value) const {
    while (true) {
      int producer = index.Producer(value);
      if (producer < 0 || TraitsOf(index.node(producer), prepared, index).role != OpRole::kPassThrough) return value;
      value = index.node(producer).input(0);
    }
  }

  Watched WatchedBy(const CalibrationOptions& options) const;
  std::vector<OperatorDecision> Decisions(const Plan& plan, const GraphIndex& of) const;
  Result<Range> RangeOf(const RangeId& id, const QuantConfig& config, const Work& work) const;
  Result<const ChannelObserver*> Channels(const std::string& value, ChannelAxis axis) const;
  Result<std::vector<float>> Magnitudes(const std::string& value, const Work& work) const;
  Result<std::vector<double>> Means(const std::string& value, ChannelAxis axis, const Work& work) const;
  Status Rewrite(const QuantConfig& config, Work* work) const;
  Status CorrectBiases(const QuantConfig& config, Work* work) const;
  // Not movable: the parts refer to each other.
  Result<std::unique_ptr<Work>> Prepare(const QuantConfig& config) const;

  Model prepared;
  GraphIndex index;
  std::shared_ptr<const Statistics> statistics = std::make_shared<Statistics>();  // empty before Calibrate()
  std::map<std::string, QuantFacts> given;  // UseFacts(), by Canonical(config)
};

Result<Range> Quantizer::State::RangeOf(const RangeId& id, const QuantConfig& config, const Work& work) const {
  if (work.given != nullptr) {
    auto range = work.given->ranges.find(id);
    if (range != work.given->ranges.end()) return range->second;
    return FailedPrecondition(fmt::format("no range by '{}' is given for the value '{}'", CalibrationMethodName(id.method), id.value),
                              "NOT_CALIBRATED");
  }
  if (const RescaledValue* rescaled = work.Rescaled(id.value)) {
    NS_ASSIGN_OR_RETURN(const ChannelObserver* channels, Channels(rescaled->source, rescaled->axis));
    Range range{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
    for (size_t c = 0; c < rescaled->factors.size(); ++c) {
      range.min = std::min(range.min, channels->min()[c] * rescaled->factors[c]);
      range.max = std::max(range.max, channels->max()[c] * rescaled->factors[c]);
    }
    return range;
  }
  auto observer = statistics->values.find(ObservedValue(id.value));
  if (observer == statistics->values.end()) {
    return FailedPrecondition(fmt::format("calibration kept no range for the value '{}'; calibrate first", id.value), "NOT_CALIBRATED");
  }
  auto range = RangeByMethod(observer->second, id.method, config);
  if (!range.ok() && range.status().reason() == "NO_DATA") {
    return FailedPrecondition(fmt::format("value '{}': {}", id.value, range.status().message()), "NOT_CALIBRATED");
  }
  return range;
}

Result<const ChannelObserver*> Quantizer::State::Channels(const std::string& value, ChannelAxis axis) const {
  auto observer = statistics->channels.find({value, axis});
  if (observer != statistics->channels.end() && !observer->second.min().empty()) return &observer->second;
  return FailedPrecondition(fmt::format("calibration kept no statistics of the channels of '{}'; calibrate with them", value), "NOT_CALIBRATED");
}

Result<std::vector<float>> Quantizer::State::Magnitudes(const std::string& value, const Work& work) const {
  const RescaledValue* rescaled = work.Rescaled(value);
  NS_ASSIGN_OR_RETURN(const ChannelObserver* channels, Channels(rescaled != nullptr ? rescaled->source : value, ChannelAxis::kLast));
  std::vector<float> magnitudes;
  for (size_t c = 0; c < channels->min().size(); ++c) {
    float largest = std::max(-channels->min()[c], channels->max()[c]);
    magnitudes.push_back(rescaled != nullptr ? largest * rescaled->factors[c] : largest);
  }
  return magnitudes;
}

Status Quantizer::State::Rewrite(const QuantConfig& config, Work* work) const {
  if (!config.smooth_quant && !config.equalize && !config.bias_correction) return OkStatus();
  work->rewritten = RewrittenModel{prepared.Clone(), {}, {}};
  if (config.equalize) NS_RETURN_IF_ERROR(EqualizeLayers(&*work->rewritten).status());
  if (config.smooth_quant) {
    auto magnitudes = [&](const std::string& value) { return Magnitudes(value, *work); };
    NS_ASSIGN_OR_RETURN(work->facts.smooth_factors,
                        SmoothActivations(config, magnitudes, work->given != nullptr ? &work->given->smooth_factors : nullptr,
                                          &*work->rewritten));
  }
  return config.bias_correction ? CorrectBiases(config, work) : OkStatus();
}

Status Quantizer::State::CorrectBiases(const QuantConfig& config, Work* work) const {
  Model& model = work->rewritten->model;
  if (work->given != nullptr) {
    work->facts.bias_corrections = work->given->bias_corrections;
  } else {
    GraphIndex before(model);
    auto means = [&](const std::string& value, ChannelAxis axis) { return Means(value, axis, *work); };
    auto scale = [&](const RangeId& id) -> Result<float> {
      NS_ASSIGN_OR_RETURN(Range range, RangeOf(id, config, *work));
      return AsymmetricUint8(range).scale[0];
    };
    NS_ASSIGN_OR_RETURN(work->facts.bias_corrections, BiasCorrections(model, before, MakePlan(model, before, config), config, means, scale));
  }
  for (const auto& [name, correction] : work->facts.bias_corrections) {
    std::string& note = work->rewritten->notes[name];
    note += note.empty() ? "bias corrected" : "; bias corrected";
  }
  return ApplyBiasCorrections(work->facts.bias_corrections, &model);
}

Result<std::vector<double>> Quantizer::State::Means(const std::string& value, ChannelAxis axis, const Work& work) const {
  const RescaledValue* rescaled = work.Rescaled(value);
  NS_ASSIGN_OR_RETURN(const ChannelObserver* channels, Channels(rescaled != nullptr ? rescaled->source : value, axis));
  std::vector<double> means = channels->mean();
  for (size_t c = 0; rescaled != nullptr && c < means.size(); ++c) means[c] *= rescaled->factors[c];
  return means;
}

Result<std::unique_ptr<Work>> Quantizer::State::Prepare(const QuantConfig& config) const {
  auto work = std::make_unique<Work>();
  if (auto facts = given.find(Canonical(config)); facts != given.end()) work->given = &facts->second;
  NS_RETURN_IF_ERROR(Rewrite(config, work.get()));
  if (work->rewritten) work->rewritten_index.emplace(work->rewritten->model);
  work->model = work->rewritten ? &work->rewritten->model : &prepared;
  work->index = work->rewritten ? &*work->rewritten_index : &index;
  work->plan = MakePlan(*work->model, *work->index, config);
  for (const RangeId& id : work->plan.ranges) {
    NS_ASSIGN_OR_RETURN(Range range, RangeOf(id, config, *work));
    work->facts.ranges[id] = range;
    work->params[id] = AsymmetricUint8(range);
  }
  return work;
}

Quantizer::Quantizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Quantizer::Quantizer(Quantizer&&) noexcept = default;
Quantizer& Quantizer::operator=(Quantizer&&) noexcept = default;
Quantizer::~Quantizer() = default;

const Model& Quantizer::prepared() const { return state_->prepared; }

Result<Quantizer> Quantizer::Create(Model prepared) {
  Quantizer quantizer(std::make_unique<State>(std::move(prepared)));
  std::set<std::string_view> names;
  for (const auto& node : quantizer.state_->prepared.graph().node()) {
    NS_CHECK(!node.name().empty() && names.insert(node.name()).second, "node '{}' has no name of its own", node.name());
  }
  if (quantizer.Candidates(OpMode::kStatic).empty() && quantizer.Candidates(OpMode::kDynamic).empty()) {
    return FailedPrecondition("the model has no operator that can be quantized (Conv, MatMul or Gemm with constant float32 weights)",
                              "NOTHING_TO_QUANTIZE");
  }
  return quantizer;
}

std::vector<OperatorDecision> Quantizer::Candidates(OpMode default_mode) const {
  QuantConfig config;
  config.defaults.mode = default_mode;
  return QuantizedOperators(config);
}

std::vector<OperatorDecision> Quantizer::QuantizedOperators(const QuantConfig& config) const {
  Plan plan = MakePlan(state_->prepared, state_->index, config);
  std::vector<OperatorDecision> candidates;
  for (int n = 0; n < state_->index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    if (node.mode != OpMode::kFloat && IsOwnOperator(node.traits.role)) candidates.push_back(DecisionOf(state_->index.node(n), node));
  }
  return candidates;
}

Watched Quantizer::State::WatchedBy(const CalibrationOptions& options) const {
  QuantConfig everything;
  everything.quantize_attention = options.attention;
  Watched watched;
  Plan plan = MakePlan(prepared, index, everything);
  for (const RangeId& id : plan.ranges) watched.values.insert(ObservedValue(id.value));
  for (int n = 0; n < index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    // A Clip would hide infinities of what it follows: a Relu before it is watched too, though its range is not used.
    if (node.traits.role == OpRole::kActivation && node.absorbed_by >= 0) watched.values.insert(index.node(n).output(0));
    if (!options.channels || node.traits.weight < 0 || node.traits.activations.empty()) continue;
    bool convolution = node.traits.role == OpRole::kConvolution;
    watched.channels.insert({index.node(n).input(node.traits.activations[0]), convolution ? ChannelAxis::kSecond : ChannelAxis::kLast});
    // What equalization rescales and a LeakyRelu follows.
    const std::string& made = index.node(n).output(0);
    if (convolution && plan.made.contains(made)) watched.channels.insert({made, ChannelAxis::kSecond});
  }
  return watched;
}

Status Quantizer::Calibrate(const DataSet& data, std::span<const int64_t> rows, const CalibrationOptions& options,
                            ProgressSink& progress, std::stop_token stop) {
  NS_ASSIGN_OR_RETURN(Statistics statistics, Collect(data, rows, options, progress, stop));
  UseStatistics(std::make_shared<Statistics>(std::move(statistics)));
  return OkStatus();
}

Result<Statistics> Quantizer::Collect(const DataSet& data, std::span<const int64_t> rows, const CalibrationOptions& options,
                                      ProgressSink& progress, std::stop_token stop) const {
  if (rows.empty()) return InvalidArgument("no calibration rows", "NO_ROWS");
  return CollectStatistics(state_->prepared, state_->index, state_->WatchedBy(options), data, rows, options, progress, stop);
}

void Quantizer::UseStatistics(std::shared_ptr<const Statistics> statistics) { state_->statistics = std::move(statistics); }

std::vector<OperatorDecision> Quantizer::State::Decisions(const Plan& plan, const GraphIndex& of) const {
  std::vector<OperatorDecision> decisions;
  for (int n = 0; n < of.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    if (node.traits.role != OpRole::kNone || !node.traits.why_not.empty()) decisions.push_back(DecisionOf(of.node(n), node));
  }
  return decisions;
}

std::vector<OperatorDecision> Quantizer::Decisions(const QuantConfig& config) const {
  return state_->Decisions(MakePlan(state_->prepared, state_->index, config), state_->index);
}

Result<QuantizedModel> Quantizer::Quantize(const QuantConfig& config) const {
  NS_ASSIGN_OR_RETURN(std::unique_ptr<Work> work, state_->Prepare(config));
  NS_ASSIGN_OR_RETURN(Model model, InsertQuantization(*work->model, *work->index, work->plan, work->params, config));
  QuantizedModel quantized{std::move(model), state_->Decisions(work->plan, *work->index)};
  if (work->rewritten) {
    for (OperatorDecision& decision : quantized.decisions) {
      auto note = work->rewritten->notes.find(decision.name);
      if (note != work->rewritten->notes.end()) decision.why += "; " + note->second;
    }
  }
  return quantized;
}

Result<QuantFacts> Quantizer::Facts(const QuantConfig& config) const {
  NS_ASSIGN_OR_RETURN(std::unique_ptr<Work> work, state_->Prepare(config));
  return std::move(work->facts);
}

void Quantizer::UseFacts(const QuantConfig& config, QuantFacts facts) { state_->given[Canonical(config)] = std::move(facts); }

Result<std::vector<OperatorHarm>> Quantizer::RankOperators(const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows,
                                                           int threads, ProgressSink& progress, std::stop_token stop) const {
  if (rows.empty()) return InvalidArgument("no rows to rank operators on", "NO_ROWS");
  NS_ASSIGN_OR_RETURN(std::unique_ptr<Work> work, state_->Prepare(config));
  NS_ASSIGN_OR_RETURN(TwinModel twins, MakeTwins(*work->model, *work->index, work->plan, work->params, config));
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(twins.model, {}));
  BatchRunOptions run{threads, 1, {}, "rank operators"};
  for (const auto& pair : twins.pairs) {
    run.outputs.push_back(pair.exact);
    run.outputs.push_back(pair.twin);
  }
  std::mutex mutex;
  std::map<int64_t, std::vector<ErrorSums>> batches;  // summed in the order of batches, so that threads don't change the sums
  auto compare = [&](BatchResult result) -> Status {
    std::vector<ErrorSums> sums(twins.pairs.size());
    for (size_t i = 0; i < sums.size(); ++i) {
      TensorView exact = OwnRows(result.outputs[2 * i].view(), *result.batch, data.fixed_batch());
      TensorView twin = OwnRows(result.outputs[2 * i + 1].view(), *result.batch, data.fixed_batch());
      sums[i].Add(exact.values<float>(), twin.values<float>());
    }
    std::lock_guard lock(mutex);
    batches[result.index] = std::move(sums);
    return OkStatus();
  };
  NS_RETURN_IF_ERROR(RunBatches(session, data, rows, run, compare, progress, stop));

  std::vector<OperatorHarm> harms;
  for (size_t i = 0; i < twins.pairs.size(); ++i) {
    ErrorSums total;
    for (const auto& [batch, sums] : batches) total.Add(sums[i]);
    const auto& node = work->index->node(twins.pairs[i].node);
    harms.push_back({node.name(), node.op_type(), total.sqnr_db()});
  }
  std::stable_sort(harms.begin(), harms.end(), [](const auto& a, const auto& b) { return a.sqnr_db < b.sqnr_db; });
  return harms;
}

}  // namespace ns
