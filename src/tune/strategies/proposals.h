// What the strategies that pick points of a grid share: what a point promises, and the list of what to evaluate next.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tune/strategies/choice_grid.h"
#include "tune/strategy.h"

namespace ns {

// The gain over fp32 that a point is likely to have, from what was timed so far (latency_model.h). Where the size counts: a
// quantized operator's weights take a quarter of their bytes, and operators are counted alike. Memory counts as no gain.
class GainForecast {
 public:
  GainForecast(const TuningHistory& history, const ChoiceGrid& grid);

  double Of(const GridPoint& point) const;
  // False when it could not be enough better than the best so far; the session would not begin it either.
  bool Promises(const GridPoint& point) const;

 private:
  double SpeedupOf(const GridPoint& point) const;

  const TuningHistory& history_;
  std::vector<std::vector<double>> saved_time_, saved_size_;  // share of fp32's, by dimension and option
  double best_speedup_ = 0;                                   // 0: all promise more
};

// How good a trial is on the accuracy: m, AccuracyGoals::Margin(). -infinity: it failed.
//
// Of a trial that was stopped after r rows only that m < 0 is certain. Its rows are joined by a = 4 that lose as much as a near miss (m = -1) does:
// (r m - a) / (r + a). What is left is the noise of ln(1 + |m|): a loss that k rows make up is off by its k^-½th part (of counts: their variance is
// their mean), so the variance is 1 / (1 + k). k is r times the loss where a row can lose 1 at most (a metric of which more is better, fp32's between 0 and 1),
// else r.
struct MarginEstimate {
  double margin = 0;
  double log_variance = 0;  // of ln(1 + |margin|); 0: evaluated on all rows
};
MarginEstimate MarginOf(const TuningHistory& history, const Trial& trial);

// One number for how good an evaluated trial is: of one that holds the accuracy ln(gain over fp32), timed, else predicted;
// of any other less than 0: -0.01 - ln(1 - margin), the margin being in units of the tolerable loss. So whatever holds and is
// faster than fp32 is better than whatever does not hold, and among those the nearest to the goal is best. Margins are those of MarginOf().
double ScoreOf(const TuningHistory& history, const GainForecast& forecast, const Trial& trial, const GridPoint& point);

// Why nothing is left to propose: all was tried, or what was not does not promise enough. Empty: there is something.
std::string WhyNoMore(const TuningHistory& history, size_t most_dimensions);

class Proposals {
 public:
  Proposals(const TuningHistory& history, const ChoiceGrid& grid, const GainForecast& forecast, int count)
      : history_(history), grid_(grid), forecast_(forecast), count_(count) {}

  bool full() const { return static_cast<int>(items_.size()) >= count_; }
  size_t size() const { return items_.size(); }
  // True when it may be taken: not fp32, not known, not taken yet, and promising.
  bool Fits(const GridPoint& point) const;
  // Takes it if it fits and there is room; false: it was not.
  bool Take(const GridPoint& point);
  // The uniform forms come first in each strategy: all static, all dynamic.
  void TakeForms();
  // Fills up in the order of GridWalk; gives up after looking at so many points.
  void Walk(int most_points = 20'000);
  const std::vector<TuningItem>& list() const { return items_; }
  std::vector<Proposal> all() &&;

 private:
  const TuningHistory& history_;
  const ChoiceGrid& grid_;
  const GainForecast& forecast_;
  int count_;
  std::set<std::string> taken_;
  std::vector<TuningItem> items_;
};

}  // namespace ns
