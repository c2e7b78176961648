#include "worker/early_stopper.h"

#include <limits>

namespace ns {

EarlyStopper::EarlyStopper(const AccuracyGoals& goals, const Evaluation& baseline, int64_t batch_size, uint64_t seed)
    : seed_(seed) {
  for (size_t i = 0; i < goals.goals().size(); ++i) {
    const AccuracyCriterion& criterion = goals.goals()[i].criterion;
    const std::vector<RowScore>& scores = baseline.metrics.at(i).scores;
    if (scores.empty() || !criterion.Accepts(goals.goals()[i].baseline, goals.goals()[i].baseline)) continue;
    batches_ = (scores.size() + static_cast<size_t>(batch_size) - 1) / static_cast<size_t>(batch_size);
    Goal goal{i, criterion.higher_is_better ? 1.0 : -1.0, std::vector<double>(batches_), std::vector<double>(batches_), 0};
    double sum = 0, weight = 0;
    for (size_t row = 0; row < scores.size(); ++row) {
      size_t batch = row / static_cast<size_t>(batch_size);
      // The best that a row can score: its weight where higher is better, 0 where lower is (data/metrics/metric.h).
      double best = criterion.higher_is_better ? scores[row].weight : 0;
      goal.baseline_sums[batch] += scores[row].sum;
      goal.least_losses[batch] += goal.sense * (scores[row].sum - best);
      sum += scores[row].sum;
      weight += scores[row].weight;
    }
    goal.allowed = goal.sense * (sum - criterion.Limit(goals.goals()[i].baseline) * weight);
    goals_.push_back(std::move(goal));
  }
}

EarlyStopper::Watch::Watch(const EarlyStopper& stopper, const std::vector<size_t>& hard)
    : stopper_(stopper), order_(UnitOrder(stopper.batches_, hard, stopper.seed_)) {
  for (const Goal& goal : stopper_.goals_) {
    // Each goal has its part of the chance to be wrong.
    double error = 1e-4 / static_cast<double>(stopper_.goals_.size());
    tests_.emplace_back(EarlyStop::Options{goal.least_losses, goal.allowed, hard.size(), error}, order_);
    losses_.emplace_back(stopper_.batches_, std::numeric_limits<double>::quiet_NaN());
  }
}

bool EarlyStopper::Watch::Add(size_t batch, std::span<const double> sums) {
  bool go_on = true;
  for (size_t i = 0; i < tests_.size(); ++i) {
    const Goal& goal = stopper_.goals_[i];
    double loss = goal.sense * (goal.baseline_sums[batch] - sums[goal.metric]);
    losses_[i][batch] = loss;
    if (tests_[i].Add(loss) != EarlyStop::Verdict::kGoOn) go_on = false;
  }
  return go_on;
}

std::vector<size_t> EarlyStopper::HardOf(const Watch& failed) const {
  return goals_.empty() ? std::vector<size_t>() : HardUnits(failed.losses_[0], goals_[0].allowed);
}

}  // namespace ns
