#include "tune/strategies/proposals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ns {

namespace {

constexpr double kWeightsLeft = 0.25;  // int8 for float
constexpr double kNearMissRows = 4;    // a

double SavedSize(const TuningSpace& space, const QuantConfig& config) {
  double quantized = 0;
  for (const SpaceOperator& op : space.operators) quantized += config.Of(op.name).mode != OpMode::kFloat;
  return (1 - kWeightsLeft) * quantized / static_cast<double>(space.operators.size());
}

}  // namespace

GainForecast::GainForecast(const TuningHistory& history, const ChoiceGrid& grid) : history_(history) {
  const TuningProblem& problem = history.problem();
  for (size_t i = 0; i < grid.dimensions().size(); ++i) {
    const ChoiceDimension& dimension = grid.dimensions()[i];
    saved_time_.emplace_back(dimension.size(), 0.0);
    saved_size_.emplace_back(dimension.size(), 0.0);
    if (dimension.whole_model()) continue;
    for (size_t option = 0; option + 1 < dimension.size(); ++option) {
      GridPoint alone = grid.all_float();
      alone[i] = option;
      QuantConfig config = grid.Config(alone);
      saved_time_[i][option] = 1 - 1 / PredictSpeedup(problem.space, history.models(), config);
      saved_size_[i][option] = SavedSize(problem.space, config);
    }
  }
  bool only_speed = problem.objective.size == 0 && problem.objective.memory == 0;
  if (const Trial* best = history.best(); best != nullptr && only_speed) best_speedup_ = history.FindModel(best->config)->speed.speedup;
}

double GainForecast::SpeedupOf(const GridPoint& point) const {
  double time = 1;
  for (size_t i = 0; i < point.size(); ++i) time -= saved_time_[i][point[i]];
  return 1 / std::max(time, 0.01);
}

double GainForecast::Of(const GridPoint& point) const {
  const TuningProblem& problem = history_.problem();
  double size = 1;
  for (size_t i = 0; i < point.size(); ++i) size -= saved_size_[i][point[i]];
  MeasuredModel model;
  model.speed.speedup = SpeedupOf(point);
  model.size_bytes = static_cast<uint64_t>(std::max(size, kWeightsLeft) * static_cast<double>(problem.float_model.size_bytes));
  return problem.objective.Gain(model, problem.float_model).speedup;
}

bool GainForecast::Promises(const GridPoint& point) const {
  return best_speedup_ == 0 || history_.problem().objective.WorthMore(SpeedupOf(point), best_speedup_);
}

MarginEstimate MarginOf(const TuningHistory& history, const Trial& trial) {
  const AccuracyGoals& goals = history.problem().goals;
  if (!trial.result || trial.failed() || trial.result->values.size() != goals.goals().size()) return {-std::numeric_limits<double>::infinity()};
  const EvaluateResult& result = *trial.result;
  MarginEstimate estimate{goals.Margin(result.values)};
  if (!result.stopped_early || !std::isfinite(estimate.margin)) return estimate;
  auto rows = static_cast<double>(result.rows);
  double lost = 0;
  for (size_t i = 0; i < result.values.size(); ++i) {
    const AccuracyGoal& goal = goals.goals()[i];
    bool counts = goal.criterion.higher_is_better && goal.baseline >= 0 && goal.baseline <= 1;
    lost = std::max(lost, counts ? rows * (goal.baseline - result.values[i]) : rows);
  }
  estimate.margin = (rows * std::min(estimate.margin, 0.0) - kNearMissRows) / (rows + kNearMissRows);
  estimate.log_variance = 1 / (1 + lost);
  return estimate;
}

double ScoreOf(const TuningHistory& history, const GainForecast& forecast, const Trial& trial, const GridPoint& point) {
  if (trial.accepted) {
    const MeasuredModel* model = history.FindModel(trial.config);
    double gain = model == nullptr ? forecast.Of(point) : model->speed.speedup > 0 ? history.Gain(*model) : 0;
    return std::log(std::max(gain, 0.01));
  }
  return -0.01 - std::log(1 + std::max(0.0, -MarginOf(history, trial).margin));
}

std::string WhyNoMore(const TuningHistory& history, size_t most_dimensions) {
  ChoiceGrid grid(history.problem(), most_dimensions);
  if (grid.dimensions().empty()) return "";
  GainForecast forecast(history, grid);
  Proposals one(history, grid, forecast, 1);
  one.TakeForms();
  one.Walk();
  if (one.full()) return "";
  double tried = 0;
  for (const Trial& trial : history.trials()) tried += grid.PointOf(trial.config) ? 1 : 0;
  // Several points may be one configuration.
  if (history.best() == nullptr || tried + 1 >= grid.size()) return "all configurations were tried";
  return fmt::format("none of the configurations that were not tried promises {:.0f} % more than the best", 100 * history.problem().objective.least_gain);
}

bool Proposals::Fits(const GridPoint& point) const {
  if (grid_.IsFloat(point) || !forecast_.Promises(point)) return false;
  QuantConfig config = grid_.Config(point);
  return history_.Find(config) == nullptr && !taken_.contains(Canonical(config));
}

bool Proposals::Take(const GridPoint& point) {
  if (full() || !Fits(point)) return false;
  QuantConfig config = grid_.Config(point);
  taken_.insert(Canonical(config));
  std::string label = Describe(history_.problem().space, config);
  items_.push_back(EvaluateItem{std::move(config), std::move(label)});
  return true;
}

std::vector<Proposal> Proposals::all() && {
  std::vector<Proposal> all;
  for (TuningItem& item : items_) all.push_back({std::move(item)});
  return all;
}

void Proposals::TakeForms() {
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    GridPoint point = grid_.all_float();
    for (size_t i = 0; i < point.size(); ++i) {
      const ChoiceDimension& dimension = grid_.dimensions()[i];
      for (size_t option = dimension.options.size(); option-- > 0;)
        if (dimension.options[option].mode == mode) point[i] = option;
    }
    Take(point);
  }
}

void Proposals::Walk(int most_points) {
  GridWalk walk(grid_);
  for (int i = 0; i < most_points && !full(); ++i) {
    auto point = walk.Next();
    if (!point) return;
    Take(*point);
  }
}

}  // namespace ns
