#include "tune/accuracy_goals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ns {

AccuracyGoals::AccuracyGoals(std::vector<AccuracyGoal> goals) : goals_(std::move(goals)) {
  NS_CHECK(!goals_.empty());
  for (const AccuracyGoal& goal : goals_) NS_CHECK(std::isfinite(goal.baseline), "baseline {}", goal.baseline);
}

std::vector<double> AccuracyGoals::baseline() const {
  std::vector<double> values;
  for (const AccuracyGoal& goal : goals_) values.push_back(goal.baseline);
  return values;
}

bool AccuracyGoals::Accepts(std::span<const double> values) const {
  NS_CHECK(values.size() == goals_.size());
  for (size_t i = 0; i < goals_.size(); ++i)
    if (!goals_[i].criterion.Accepts(goals_[i].baseline, values[i])) return false;
  return true;
}

double AccuracyGoals::Margin(std::span<const double> values) const {
  NS_CHECK(values.size() == goals_.size());
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < goals_.size(); ++i) {
    if (!std::isfinite(values[i])) return -std::numeric_limits<double>::infinity();
    double unit = std::max(std::abs(goals_[i].criterion.tolerable_loss), 1e-3);
    least = std::min(least, goals_[i].criterion.Margin(goals_[i].baseline, values[i]) / unit);
  }
  return least;
}

std::string AccuracyGoals::Explain(std::span<const double> values) const {
  NS_CHECK(values.size() == goals_.size());
  std::string text;
  for (size_t i = 0; i < goals_.size(); ++i) {
    if (i > 0) text += "; ";
    text += goals_[i].metric + " " + goals_[i].criterion.Explain(goals_[i].baseline, values[i]);
  }
  return text;
}

}  // namespace ns
