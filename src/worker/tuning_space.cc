#include "worker/tuning_space.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

#include "graph/shapes.h"
#include "quantize/output_probe.h"

namespace ns {

namespace {

constexpr int64_t kFewRows = 16;

bool Excluded(const OperatorDecision& op, const std::vector<std::string>& excluded) {
  return std::any_of(excluded.begin(), excluded.end(),
                     [&](const std::string& one) { return one == op.name || one == op.type; });
}

// The operators that this default mode would quantize.
std::set<std::string> NamesWith(const Quantizer& quantizer, OpMode mode) {
  std::set<std::string> names;
  for (const OperatorDecision& op : quantizer.Candidates(mode))
    if (op.mode != OpMode::kFloat) names.insert(op.name);
  return names;
}

// The products whose weights may be kept in 4 bits. Where speed alone counts that pays in runs of few rows, as a measured table in
// docs/design/quantization.md says; who names the type gets it everywhere.
std::set<std::string> InInt4(const Quantizer& quantizer, const TuningOptions& options, const RowsPerRun& rows) {
  std::set<std::string> names, tables;
  if (!AllowsDtype(options.dtypes, "int4")) return names;
  bool everywhere = !options.dtypes.empty() || options.objective.size > 0 || options.objective.memory > 0;
  for (const OperatorDecision& op : quantizer.Candidates(OpMode::kWeightOnlyInt4)) {
    auto found = rows.find(op.name);
    bool few = found != rows.end() && found->second <= kFewRows;
    if (op.mode == OpMode::kWeightOnly) tables.insert(op.name);
    if (op.mode == OpMode::kWeightOnlyInt4 && (everywhere || few)) names.insert(op.name);
  }
  // Tables beside them are in int8.
  if (!names.empty() && AllowsDtype(options.dtypes, "int8")) names.merge(tables);
  return names;
}

// Blocks of 128 are faster and smaller, zero points more exact.
void AddInt4(OpConfig choice, std::vector<OpConfig>* choices) {
  choice.mode = OpMode::kWeightOnlyInt4;
  for (auto [block, zero_points] : {std::pair(32, false), std::pair(128, false), std::pair(32, true)}) {
    choice.block = block;
    choice.zero_points = zero_points;
    choices->push_back(choice);
  }
}

// The block of each name.
std::map<std::string, std::string> Blocks(const std::vector<std::string>& names) {
  std::map<std::string, std::string> blocks;
  for (const auto& block : OperatorBlocks(names))
    for (const std::string& name : block) blocks[name] = block.size() > 1 ? block.front() : "";
  return blocks;
}

}  // namespace

RowsPerRun CountRows(const Model& prepared, const NamedTensors& inputs) {
  Model concrete = prepared.Clone();
  for (auto& input : *concrete.mutable_graph().mutable_input()) {
    auto given = inputs.find(input.name());
    if (given == inputs.end()) continue;
    auto* shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->clear_dim();
    for (int64_t size : given->second.shape()) shape->add_dim()->set_dim_value(size);
  }
  ShapeMap shapes = ShapeMap::Infer(concrete);
  RowsPerRun rows;
  for (const auto& node : prepared.graph().node()) {
    if (node.op_type() != "MatMul" && node.op_type() != "Gemm") continue;
    auto shape = shapes.StaticShape(node.input(0));
    if (shape && !shape->empty() && shape->back() > 0) rows[node.name()] = ElementCount(*shape) / shape->back();
  }
  return rows;
}

TuningSpace MakeTuningSpace(const Quantizer& quantizer, const TuningOptions& options, const RowsPerRun& rows_per_run, std::string* why) {
  TuningSpace space;
  space.base = DefaultConfig(OpMode::kStatic, why);
  space.calibrations = options.calibration_methods;
  if (space.calibrations.empty())
    space.calibrations = {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kEntropy, CalibrationMethod::kMse};
  space.base.defaults.calibration = space.calibrations[0];
  if (options.per_channel) space.base.defaults.per_channel = *options.per_channel;
  auto wanted = [&](const char* recipe) {
    auto found = options.recipes.find(recipe);
    return found == options.recipes.end() || found->second;
  };
  std::vector<OperatorDecision> by_static = quantizer.Candidates(OpMode::kStatic);
  const bool int8 = AllowsDtype(options.dtypes, "int8");
  std::set<std::string> dynamic = NamesWith(quantizer, OpMode::kDynamic), weight_only = NamesWith(quantizer, OpMode::kWeightOnly);
  std::set<std::string> int4 = InInt4(quantizer, options, rows_per_run);
  std::vector<std::string> names;
  for (const OperatorDecision& op : by_static) {
    SpaceOperator entry{op.name, op.type, "", {}, 0};
    OpConfig choice = space.base.defaults;
    auto add = [&](OpMode mode) {
      choice.mode = mode;
      entry.choices.push_back(choice);
    };
    bool excluded = Excluded(op, options.excluded_operators);
    if (int8 && !excluded) {
      if (op.mode != OpMode::kFloat) add(OpMode::kStatic);
      if (dynamic.contains(op.name)) add(OpMode::kDynamic);
      if (weight_only.contains(op.name)) add(OpMode::kWeightOnly);
    }
    if (int4.contains(op.name) && !excluded) AddInt4(choice, &entry.choices);
    add(OpMode::kFloat);
    names.push_back(op.name);
    space.operators.push_back(std::move(entry));
  }
  auto any = [&](std::initializer_list<std::string_view> types) {
    return std::any_of(space.operators.begin(), space.operators.end(), [&](const SpaceOperator& op) {
      return op.choices.size() > 1 && std::find(types.begin(), types.end(), op.type) != types.end();
    });
  };
  space.recipes.smooth_quant = wanted("smooth_quant") && any({"MatMul", "Gemm"});
  space.recipes.equalize = wanted("equalization") && any({"Conv", "MatMul", "Gemm"});
  space.recipes.bias_correction = wanted("bias_correction") && any({"Conv", "MatMul", "Gemm"});
  auto blocks = Blocks(names);
  std::map<std::string, std::string> inputs;
  for (const auto& node : quantizer.prepared().graph().node())
    if (node.op_type() == "MatMul" || node.op_type() == "Gemm") inputs[node.name()] = node.input(0);
  for (SpaceOperator& op : space.operators) {
    op.block = blocks[op.name];
    op.input = inputs[op.name];
  }
  return space;
}

}  // namespace ns
