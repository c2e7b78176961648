#include "tune/strategies/fallback.h"

#include <cmath>
#include <limits>

namespace ns {

namespace {

// In dB, the less the more harm; an operator that was not measured does none.
double Quality(const OperatorScore& score, Impact impact) {
  double db = impact == Impact::kOwnError || std::isnan(score.effect_db) ? score.sqnr_db : score.effect_db;
  return std::isnan(db) ? std::numeric_limits<double>::infinity() : db;
}

}  // namespace

Result<std::vector<std::string>> MostHarmfulOf(Inquiry& ask, const QuantConfig& config, Impact impact) {
  NS_ASSIGN_OR_RETURN(std::vector<OperatorScore> scores, ask.Rank(config));
  std::stable_sort(scores.begin(), scores.end(), [&](const OperatorScore& a, const OperatorScore& b) {
    return Quality(a, impact) < Quality(b, impact);
  });
  std::vector<std::string> order;
  for (OperatorScore& score : scores) order.push_back(std::move(score.name));
  if (!order.empty()) return order;
  for (const SpaceOperator& op : ask.history().problem().space.operators)
    if (config.Of(op.name).mode != OpMode::kFloat) order.insert(order.begin(), op.name);
  return order;
}

QuantConfig GiveUp(const QuantConfig& config, const std::vector<std::string>& order, int count) {
  QuantConfig less = config;
  for (int i = 0; i < count; ++i) less.SetMode(order[static_cast<size_t>(i)], OpMode::kFloat);
  return less;
}

std::string GiveUpLabel(const std::string& label, int count) {
  return fmt::format("{}, {} operator{} in float", label, count, count == 1 ? "" : "s");
}

bool WorthEvaluating(const TuningProblem& problem, const QuantConfig& config) {
  bool any = false;
  for (const SpaceOperator& op : problem.space.operators) any = any || config.Of(op.name).mode != OpMode::kFloat;
  if (!any || problem.objective.size > 0 || problem.objective.memory > 0) return any;
  return problem.objective.WorthMore(PredictSpeedup(problem.space, {}, config), 1);
}

}  // namespace ns
