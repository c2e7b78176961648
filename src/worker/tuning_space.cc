#include "worker/tuning_space.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

#include "quantize/output_probe.h"

namespace ns {

namespace {

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

// The block of each name.
std::map<std::string, std::string> Blocks(const std::vector<std::string>& names) {
  std::map<std::string, std::string> blocks;
  for (const auto& block : OperatorBlocks(names))
    for (const std::string& name : block) blocks[name] = block.size() > 1 ? block.front() : "";
  return blocks;
}

}  // namespace

TuningSpace MakeTuningSpace(const Quantizer& quantizer, const TuningOptions& options, std::string* why) {
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
  std::set<std::string> dynamic = NamesWith(quantizer, OpMode::kDynamic), weight_only = NamesWith(quantizer, OpMode::kWeightOnly);
  std::vector<std::string> names;
  for (const OperatorDecision& op : by_static) {
    SpaceOperator entry{op.name, op.type, "", {}, 0};
    OpConfig choice = space.base.defaults;
    auto add = [&](OpMode mode) {
      choice.mode = mode;
      entry.choices.push_back(choice);
    };
    if (!Excluded(op, options.excluded_operators)) {
      if (op.mode != OpMode::kFloat) add(OpMode::kStatic);
      if (dynamic.contains(op.name)) add(OpMode::kDynamic);
      if (weight_only.contains(op.name)) add(OpMode::kWeightOnly);
    }
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
  for (SpaceOperator& op : space.operators) op.block = blocks[op.name];
  return space;
}

}  // namespace ns
