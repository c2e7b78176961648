#include "tune/testing/literal_model.h"

#include <cmath>

namespace ns {

namespace {

double NoiseIn(const LiteralOperator& op, OpMode mode) {
  if (mode == OpMode::kStatic) return op.noise;
  return mode == OpMode::kDynamic ? op.dynamic_noise : 0;
}

}  // namespace

double LiteralModel::ShareOf(const LiteralOperator& op) const {
  return op.share >= 0 ? op.share : 1.0 / static_cast<double>(operators_.size());
}

TuningProblem LiteralModel::problem() const {
  TuningProblem problem;
  for (const LiteralOperator& op : operators_) {
    SpaceOperator one{op.name, op.type, "", {OpConfig{.mode = OpMode::kStatic}}, ShareOf(op)};
    if (op.dynamic_noise >= 0) one.choices.push_back(OpConfig{.mode = OpMode::kDynamic});
    one.choices.push_back(OpConfig{.mode = OpMode::kFloat});
    problem.space.operators.push_back(std::move(one));
  }
  problem.goals = AccuracyGoals({AccuracyGoal{"accuracy", {}, 0.9}});
  problem.float_model = {{1, 1, 1}, 4'000'000, 0};
  return problem;
}

double LiteralModel::Loss(const QuantConfig& config) const {
  double loss = 0;
  for (const LiteralOperator& op : operators_) loss += NoiseIn(op, config.Of(op.name).mode);
  return loss;
}

RankResult LiteralModel::Rank(const QuantConfig& config) const {
  RankResult result;
  for (const LiteralOperator& op : operators_) {
    OpMode mode = config.Of(op.name).mode;
    if (mode == OpMode::kFloat) continue;
    double own = op.own_noise >= 0 ? op.own_noise : NoiseIn(op, mode);
    result.operators.push_back({op.name, -10 * std::log10(own), -10 * std::log10(NoiseIn(op, mode)), ShareOf(op) / 2});
  }
  return result;
}

MeasuredModel LiteralModel::Time(const QuantConfig& config) const {
  double time = 1;
  for (const LiteralOperator& op : operators_) {
    OpMode mode = config.Of(op.name).mode;
    if (mode == OpMode::kStatic) time -= ShareOf(op) / 2;
    if (mode == OpMode::kDynamic) time -= ShareOf(op) * 2 / 3;
  }
  return {{1 / time, 0.99 / time, 1.01 / time}, 1'000'000, 0};
}

TuningResult LiteralModel::operator()(const TuningItem& item) const {
  if (auto* evaluate = std::get_if<EvaluateItem>(&item))
    return EvaluateResult{.values = {0.9 * (1 - 0.01 * Loss(evaluate->config))}, .size_bytes = 1'000'000, .seconds = 1, .rows = 100};
  if (auto* probe = std::get_if<ProbeItem>(&item)) return ProbeResult{.output_sqnr_db = -10 * std::log10(Loss(probe->config))};
  if (auto* rank = std::get_if<RankItem>(&item)) return Rank(rank->config);
  TimeResult result;
  for (const QuantConfig& config : std::get<TimeItem>(item).configs) result.models.push_back(Time(config));
  return result;
}

}  // namespace ns
