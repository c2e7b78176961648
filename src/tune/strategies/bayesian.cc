#include "tune/strategies/bayesian.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tune/strategies/gaussian_process.h"
#include "tune/strategies/random.h"

namespace ns {

namespace {

constexpr double kForecastError = 0.05;    // s, of ln(gain)
constexpr double kWorstMargin = -100;      // beyond it all are alike
constexpr double kFailedMargin = -10;      // of a model that could not be made or run, at most
constexpr size_t kMostObservations = 256;  // the latest ones; a decomposition takes n³ / 3 steps
constexpr double kFewPoints = 1024;
constexpr int kDraws = 256;
constexpr size_t kClimbs = 3;

double Squashed(double margin) {
  margin = std::max(margin, kWorstMargin);
  return std::copysign(std::log1p(std::abs(margin)), margin);
}

// ln Φ(z), also far out where Φ itself is 0 in doubles (the first term of its asymptotic series).
double LogNormal(double z) {
  if (z > -30) return std::log(0.5 * std::erfc(-z / std::numbers::sqrt2));
  return -0.5 * z * z - std::log(-z * std::sqrt(2 * std::numbers::pi));
}

struct Candidate {
  GridPoint point;
  double log_improvement = 0;
};

class Optimizer {
 public:
  Optimizer(const TuningHistory& history, const ChoiceGrid& grid, const GainForecast& forecast, Proposals* proposals)
      : history_(history), grid_(grid), forecast_(forecast), proposals_(*proposals) {
    const Trial* best = history.best();
    if (best != nullptr) best_log_gain_ = std::log(history.Gain(*history.FindModel(best->config)));
    CollectObserved();
  }

  void Run() {
    if (observed_.empty()) return;
    GaussianProcess process(observed_);
    for (const GridPoint& point : under_way_) process.Add({point, process.At(point).mean});
    while (!proposals_.full()) {
      std::optional<GridPoint> point = Likeliest(process);
      if (!point || !proposals_.Take(*point)) return;
      process.Add({*point, process.At(*point).mean});
    }
  }

  // Before the process says anything: what was proposed in this call already.
  void AddUnderWay(GridPoint point) { under_way_.push_back(std::move(point)); }

 private:
  void CollectObserved() {
    const AccuracyGoals& goals = history_.problem().goals;
    observed_.push_back({grid_.all_float(), Squashed(goals.Margin(goals.baseline()))});
    double worst = Squashed(kFailedMargin);
    std::vector<GridPoint> failed;
    for (const Trial& trial : history_.trials()) {
      auto point = trial.pruned ? std::nullopt : grid_.PointOf(trial.config);
      if (!point) continue;
      auto [margin, log_variance] = MarginOf(history_, trial);
      if (!trial.result) {
        under_way_.push_back(std::move(*point));
      } else if (!std::isfinite(margin)) {
        failed.push_back(std::move(*point));
      } else {
        worst = std::min(worst, Squashed(margin));
        observed_.push_back({std::move(*point), Squashed(margin), log_variance});
      }
    }
    for (GridPoint& point : failed) observed_.push_back({std::move(point), worst});
    if (observed_.size() > kMostObservations) observed_.erase(observed_.begin() + 1, observed_.end() - kMostObservations);
    Standardize();
  }

  void Standardize() {
    double count = static_cast<double>(observed_.size()), sum = 0, squares = 0;
    for (const Observed& one : observed_) sum += one.value;
    double mean = sum / count;
    for (const Observed& one : observed_) squares += (one.value - mean) * (one.value - mean);
    double deviation = squares > 0 ? std::sqrt(squares / count) : 1;
    for (Observed& one : observed_) {
      one.value = (one.value - mean) / deviation;
      one.noise /= deviation * deviation;
    }
    goal_ = -mean / deviation;
  }

  double LogImprovement(const GaussianProcess& process, const GridPoint& point) const {
    auto [mean, deviation] = process.At(point);
    return LogExpectedImprovement(mean, deviation, goal_, std::log(forecast_.Of(point)), best_log_gain_);
  }

  template <typename Function>
  void ForNeighbours(const GridPoint& point, Function&& function) const {
    for (size_t i = 0; i < point.size(); ++i)
      for (size_t option = 0; option < grid_.dimensions()[i].size(); ++option) {
        if (option == point[i]) continue;
        GridPoint other = point;
        other[i] = option;
        function(std::move(other));
      }
  }

  std::vector<GridPoint> Pool() const {
    std::vector<GridPoint> pool;
    if (grid_.size() <= kFewPoints) {
      GridWalk walk(grid_);
      while (auto point = walk.Next()) pool.push_back(std::move(*point));
      return pool;
    }
    auto random = RandomFor(~history_.problem().seed, history_.trials().size() + proposals_.size());
    for (int i = 0; i < kDraws; ++i) pool.push_back(grid_.Draw(random));
    ForNeighbours(Incumbent(), [&](GridPoint point) { pool.push_back(std::move(point)); });
    return pool;
  }

  // The best trial that holds; before there is one the nearest to the goal.
  GridPoint Incumbent() const {
    std::optional<GridPoint> found;
    double best = 0;
    for (const Trial& trial : history_.trials()) {
      auto point = trial.pruned || !trial.result ? std::nullopt : grid_.PointOf(trial.config);
      if (!point) continue;
      double score = ScoreOf(history_, forecast_, trial, *point);
      if (found && score <= best) continue;
      found = std::move(point);
      best = score;
    }
    return found.value_or(grid_.first());
  }

  std::optional<GridPoint> Likeliest(const GaussianProcess& process) const {
    std::vector<Candidate> candidates;
    for (GridPoint& point : Pool()) {
      double improvement = LogImprovement(process, point);
      candidates.push_back({std::move(point), improvement});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.log_improvement > b.log_improvement; });
    std::optional<Candidate> best;
    auto consider = [&](const Candidate& candidate) {
      if ((!best || candidate.log_improvement > best->log_improvement) && proposals_.Fits(candidate.point)) best = candidate;
    };
    if (grid_.size() > kFewPoints)
      for (size_t i = 0; i < std::min(kClimbs, candidates.size()); ++i) Climb(process, candidates[i], consider);
    for (const Candidate& candidate : candidates) {
      consider(candidate);
      if (best && best->log_improvement >= candidate.log_improvement) break;  // the others are behind it
    }
    if (!best) return std::nullopt;
    return std::move(best->point);
  }

  template <typename Function>
  void Climb(const GaussianProcess& process, Candidate from, Function&& consider) const {
    for (int step = 0; step < 8; ++step) {
      Candidate top = from;
      ForNeighbours(from.point, [&](GridPoint point) {
        double improvement = LogImprovement(process, point);
        if (improvement > top.log_improvement) top = {std::move(point), improvement};
      });
      if (top.point == from.point) return;
      from = std::move(top);
      consider(from);
    }
  }

  const TuningHistory& history_;
  const ChoiceGrid& grid_;
  const GainForecast& forecast_;
  Proposals& proposals_;
  std::vector<Observed> observed_;  // standardized; fp32 first
  std::vector<GridPoint> under_way_;
  double goal_ = 0;           // margin 0 on the standardized scale
  double best_log_gain_ = 0;  // u*
};

}  // namespace

double LogExpectedImprovement(double mean, double deviation, double goal, double log_gain, double best_log_gain) {
  double z = (log_gain - best_log_gain) / kForecastError;
  double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  double improvement = kForecastError * (z * std::exp(LogNormal(z)) + density);
  return LogNormal((mean - goal) / deviation) + std::log(std::max(improvement, 1e-300));
}

std::vector<Proposal> Bayesian::Propose(const TuningHistory& history, int count) {
  ChoiceGrid grid(history.problem(), Random::kMostDimensions);
  if (grid.dimensions().empty()) return {};
  GainForecast forecast(history, grid);
  Proposals proposals(history, grid, forecast, count);
  proposals.TakeForms();
  if (!proposals.full()) {
    Optimizer optimizer(history, grid, forecast, &proposals);
    for (const TuningItem& item : proposals.list())
      if (auto point = grid.PointOf(std::get<EvaluateItem>(item).config)) optimizer.AddUnderWay(std::move(*point));
    optimizer.Run();
  }
  Random::Fill(history, grid, &proposals);
  return std::move(proposals).all();
}

std::string Bayesian::Explain(const TuningHistory& history) const { return WhyNoMore(history, Random::kMostDimensions); }

}  // namespace ns
