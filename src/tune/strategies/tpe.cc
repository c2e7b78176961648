#include "tune/strategies/tpe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tune/strategies/random.h"

namespace ns {

namespace {

constexpr size_t kRandomFirst = 10;  // trials before the estimator has something to go by
constexpr double kGoodShare = 0.25;
constexpr int kDraws = 64;

struct Observation {
  GridPoint point;
  double score = 0;
};

// How often each option of each dimension was seen, as probabilities.
class Parzen {
 public:
  Parzen(const ChoiceGrid& grid, const Observation* begin, const Observation* end) {
    double total = 1 + static_cast<double>(end - begin);
    for (size_t i = 0; i < grid.dimensions().size(); ++i) {
      size_t options = grid.dimensions()[i].size();
      std::vector<double> shares(options, 1 / (static_cast<double>(options) * total));
      for (const Observation* one = begin; one != end; ++one) shares[one->point[i]] += 1 / total;
      shares_.push_back(std::move(shares));
    }
  }

  double LogOf(const GridPoint& point) const {
    double sum = 0;
    for (size_t i = 0; i < point.size(); ++i) sum += std::log(shares_[i][point[i]]);
    return sum;
  }

  GridPoint Draw(std::mt19937_64& random) const {
    GridPoint point;
    for (const auto& shares : shares_) {
      double left = static_cast<double>(Below(random, 1'000'000)) / 1e6;
      size_t option = 0;
      while (option + 1 < shares.size() && left >= shares[option]) left -= shares[option++];
      point.push_back(option);
    }
    return point;
  }

 private:
  std::vector<std::vector<double>> shares_;
};

std::vector<Observation> Observe(const TuningHistory& history, const ChoiceGrid& grid, const GainForecast& forecast) {
  std::vector<Observation> observations;
  if (history.problem().goals.BaselineHolds()) observations.push_back({grid.all_float(), 0});
  for (const Trial& trial : history.trials()) {
    auto point = trial.pruned ? std::nullopt : grid.PointOf(trial.config);
    if (!point) continue;
    double score = trial.result ? ScoreOf(history, forecast, trial, *point) : -std::numeric_limits<double>::infinity();
    observations.push_back({std::move(*point), score});
  }
  std::stable_sort(observations.begin(), observations.end(),
                   [](const Observation& a, const Observation& b) { return a.score > b.score; });
  return observations;
}

void TakeLikeliest(const TuningHistory& history, const ChoiceGrid& grid, std::vector<Observation> observations,
                   Proposals* proposals) {
  while (!proposals->full()) {
    size_t good = static_cast<size_t>(std::ceil(kGoodShare * static_cast<double>(observations.size())));
    const Observation* begin = observations.data();
    Parzen l(grid, begin, begin + good), g(grid, begin + good, begin + observations.size());
    auto random = RandomFor(~history.problem().seed, history.trials().size() + proposals->size());
    std::optional<GridPoint> best;
    double best_ratio = 0;
    for (int i = 0; i < kDraws; ++i) {
      GridPoint point = l.Draw(random);
      double ratio = l.LogOf(point) - g.LogOf(point);
      if ((best && ratio <= best_ratio) || !proposals->Fits(point)) continue;
      best = std::move(point);
      best_ratio = ratio;
    }
    if (!best) return;
    proposals->Take(*best);
    observations.push_back({std::move(*best), -std::numeric_limits<double>::infinity()});
  }
}

}  // namespace

std::vector<Proposal> Tpe::Propose(const TuningHistory& history, int count) {
  ChoiceGrid grid(history.problem(), Random::kMostDimensions);
  GainForecast forecast(history, grid);
  Proposals proposals(history, grid, forecast, count);
  if (grid.dimensions().empty()) return {};
  proposals.TakeForms();
  std::vector<Observation> observations = Observe(history, grid, forecast);
  if (history.trials().size() + proposals.size() >= kRandomFirst) TakeLikeliest(history, grid, std::move(observations), &proposals);
  Random::Fill(history, grid, &proposals);
  return std::move(proposals).all();
}

std::string Tpe::Explain(const TuningHistory& history) const { return WhyNoMore(history, Random::kMostDimensions); }

}  // namespace ns
