#include "quantize/quantizer.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>

#include "graph/graph_index.h"
#include "quantize/batch_runner.h"
#include "quantize/calibration/methods.h"
#include "quantize/observers/observer.h"
#include "quantize/plan.h"
#include "quantize/qdq_inserter.h"
#include "quantize/sqnr.h"
#include "runtime/session.h"
#include "runtime/tapped_session.h"

namespace ns {

namespace {

// Values whose statistics calibration keeps.
struct Observed {
  std::vector<std::string> computed;  // made by operators
  std::vector<std::string> inputs;    // of the model: they come with the batch
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

  Observed ObservedBy(const CalibrationOptions& options) const;
  std::vector<OperatorDecision> Decisions(const Plan& plan) const;
  Result<Range> RangeOf(const RangeId& id, const QuantConfig& config) const;
  Result<RangeMap> Ranges(const Plan& plan, const QuantConfig& config) const;
  Result<ActivationParams> Params(const Plan& plan, const QuantConfig& config) const;

  Model prepared;
  GraphIndex index;
  std::map<std::string, TensorObserver> observers;  // by observed value; empty before Calibrate()
  std::optional<RangeMap> given_ranges;  // UseRanges()
};

namespace {

// Operators whose distortion can be told apart: those with an integer computation or table of their own.
bool IsOwnOperator(OpRole role) {
  return role == OpRole::kConvolution || role == OpRole::kMatMul || role == OpRole::kEmbedding || role == OpRole::kElementwise;
}

OperatorDecision DecisionOf(const ns_onnx::NodeProto& node, const NodePlan& plan) {
  return {node.name(), node.op_type(), plan.mode, plan.why};
}

std::string RowsText(const std::vector<int64_t>& rows) {
  return rows.size() == 1 ? fmt::format("row {}", rows[0]) : fmt::format("rows {} to {}", rows.front(), rows.back());
}

// One worker's statistics, in the order of the observed values.
using ObserverRow = std::vector<TensorObserver>;

Status NonFinite(const GraphIndex& index, const std::string& value, const Batch& batch) {
  const auto* producer = index.ProducerNode(value);
  return InvalidArgument(fmt::format("NaN or infinity in '{}' ({}) at {} of the calibration data", value,
                                     producer != nullptr ? "output of operator '" + producer->name() + "'" : "a model input",
                                     RowsText(batch.rows)),
                         "NON_FINITE_VALUE");
}

}  // namespace

Result<Range> Quantizer::State::RangeOf(const RangeId& id, const QuantConfig& config) const {
  if (given_ranges) {
    auto given = given_ranges->find(id);
    if (given != given_ranges->end()) return given->second;
    return FailedPrecondition(fmt::format("no range by '{}' is given for the value '{}'", CalibrationMethodName(id.method), id.value),
                              "NOT_CALIBRATED");
  }
  auto observer = observers.find(ObservedValue(id.value));
  if (observer == observers.end()) {
    return FailedPrecondition(fmt::format("calibration kept no range for the value '{}'; calibrate first", id.value), "NOT_CALIBRATED");
  }
  auto range = RangeByMethod(observer->second, id.method, config);
  if (!range.ok() && range.status().reason() == "NO_DATA") {
    return FailedPrecondition(fmt::format("value '{}': {}", id.value, range.status().message()), "NOT_CALIBRATED");
  }
  return range;
}

Result<RangeMap> Quantizer::State::Ranges(const Plan& plan, const QuantConfig& config) const {
  RangeMap ranges;
  for (const RangeId& id : plan.ranges) {
    NS_ASSIGN_OR_RETURN(ranges[id], RangeOf(id, config));
  }
  return ranges;
}

Result<ActivationParams> Quantizer::State::Params(const Plan& plan, const QuantConfig& config) const {
  NS_ASSIGN_OR_RETURN(RangeMap ranges, Ranges(plan, config));
  ActivationParams params;
  for (const auto& [id, range] : ranges) params[id] = AsymmetricUint8(range);
  return params;
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

Observed Quantizer::State::ObservedBy(const CalibrationOptions& options) const {
  QuantConfig everything;
  everything.quantize_attention = options.attention;
  std::set<std::string> values;
  Plan plan = MakePlan(prepared, index, everything);
  for (const RangeId& id : plan.ranges) values.insert(ObservedValue(id.value));
  // A Clip would hide infinities of what it follows: a Relu before it is watched too, though its range is not used.
  for (int n = 0; n < index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    if (node.traits.role == OpRole::kActivation && node.absorbed_by >= 0) values.insert(index.node(n).output(0));
  }
  Observed observed;
  for (const std::string& value : values) (index.IsInput(value) ? observed.inputs : observed.computed).push_back(value);
  return observed;
}

Status Quantizer::Calibrate(const DataSet& data, std::span<const int64_t> rows, const CalibrationOptions& options,
                            ProgressSink& progress, std::stop_token stop) {
  if (rows.empty()) return InvalidArgument("no calibration rows", "NO_ROWS");
  Observed observed = state_->ObservedBy(options);
  std::vector<std::string> names = observed.computed;
  names.insert(names.end(), observed.inputs.begin(), observed.inputs.end());
  state_->observers.clear();
  if (names.empty()) return OkStatus();

  std::optional<TappedSession> session;
  if (!observed.computed.empty()) {
    NS_ASSIGN_OR_RETURN(session, TappedSession::Create(state_->prepared, observed.computed, options.threads));
    // The session has its own copies of the weights that it laid out anew, and reads the others again where it uses them.
    state_->prepared.DropWeightPages();
  }
  TensorObserver empty(ObserverOptionsFor(options.methods));
  std::vector<ObserverRow> workers(static_cast<size_t>(std::max(1, options.threads)), ObserverRow(names.size(), empty));
  auto use = [&](int worker, int64_t index, const Batch& batch) -> Status {
    ObserverRow& row = workers[static_cast<size_t>(worker)];
    auto observe = [&](size_t value, const TensorView& tensor) -> Status {
      Status status = row[value].Observe(index, OwnRows(tensor, batch, data.fixed_batch()).values<float>());
      return status.ok() ? status : NonFinite(state_->index, names[value], batch);
    };
    for (size_t i = observed.computed.size(); i < names.size(); ++i) NS_RETURN_IF_ERROR(observe(i, batch.inputs.at(names[i]).view()));
    return session ? session->Run(batch.inputs, observe, stop) : OkStatus();
  };
  BatchRunOptions run{options.threads, options.batch_size, {}, "calibrate"};
  NS_RETURN_IF_ERROR(ForEachBatch(data, rows, run, use, progress, stop));
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t worker = 1; worker < workers.size(); ++worker) workers[0][i].Merge(workers[worker][i]);
    state_->observers.emplace(names[i], std::move(workers[0][i]));
  }
  return OkStatus();
}

std::vector<OperatorDecision> Quantizer::State::Decisions(const Plan& plan) const {
  std::vector<OperatorDecision> decisions;
  for (int n = 0; n < index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    if (node.traits.role != OpRole::kNone || !node.traits.why_not.empty()) decisions.push_back(DecisionOf(index.node(n), node));
  }
  return decisions;
}

std::vector<OperatorDecision> Quantizer::Decisions(const QuantConfig& config) const {
  return state_->Decisions(MakePlan(state_->prepared, state_->index, config));
}

Result<QuantizedModel> Quantizer::Quantize(const QuantConfig& config) const {
  Plan plan = MakePlan(state_->prepared, state_->index, config);
  NS_ASSIGN_OR_RETURN(ActivationParams params, state_->Params(plan, config));
  NS_ASSIGN_OR_RETURN(Model model, InsertQuantization(state_->prepared, state_->index, plan, params, config));
  return QuantizedModel{std::move(model), state_->Decisions(plan)};
}

Result<RangeMap> Quantizer::Ranges(const QuantConfig& config) const {
  return state_->Ranges(MakePlan(state_->prepared, state_->index, config), config);
}

void Quantizer::UseRanges(RangeMap ranges) { state_->given_ranges = std::move(ranges); }

Result<std::vector<OperatorHarm>> Quantizer::RankOperators(const QuantConfig& config, const DataSet& data, std::span<const int64_t> rows,
                                                           int threads, ProgressSink& progress, std::stop_token stop) const {
  if (rows.empty()) return InvalidArgument("no rows to rank operators on", "NO_ROWS");
  Plan plan = MakePlan(state_->prepared, state_->index, config);
  NS_ASSIGN_OR_RETURN(ActivationParams params, state_->Params(plan, config));
  NS_ASSIGN_OR_RETURN(TwinModel twins, MakeTwins(state_->prepared, state_->index, plan, params, config));
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
    const auto& node = state_->index.node(twins.pairs[i].node);
    harms.push_back({node.name(), node.op_type(), total.sqnr_db()});
  }
  std::stable_sort(harms.begin(), harms.end(), [](const auto& a, const auto& b) { return a.sqnr_db < b.sqnr_db; });
  return harms;
}

}  // namespace ns
