// Ends the evaluations of candidates that are sure to miss the goal (tune/early_stop.h), from the fp32 model's scores row by row.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tune/accuracy_goals.h"
#include "tune/early_stop.h"
#include "worker/evaluator.h"

namespace ns {

class EarlyStopper {
 public:
  // `batch_size`: rows of one batch of the evaluator; `baseline`: by it, over all rows. A goal whose metric does not add up over
  // rows, or that fp32 itself misses, ends nothing.
  EarlyStopper(const AccuracyGoals& goals, const Evaluation& baseline, int64_t batch_size, uint64_t seed);

  // True when some goal can end an evaluation.
  bool useful() const { return !goals_.empty(); }

  // For one candidate.
  class Watch final : public EvaluationWatch {
   public:
    // `hard`: the batches that come first, as HardOf() said.
    explicit Watch(const EarlyStopper& stopper, const std::vector<size_t>& hard = {});
    const std::vector<size_t>& order() const override { return order_; }
    bool Add(size_t batch, std::span<const double> sums) override;

   private:
    friend class EarlyStopper;
    const EarlyStopper& stopper_;
    std::vector<size_t> order_;
    std::vector<EarlyStop> tests_;             // by goals_
    std::vector<std::vector<double>> losses_;  // by goals_, then by batch; NaN: not evaluated
  };

  // The batches in which a failed candidate lost most: those that should come first for the next.
  std::vector<size_t> HardOf(const Watch& failed) const;

 private:
  // A goal whose losses are known batch by batch.
  struct Goal {
    size_t metric = 0;
    double sense = 1;                   // 1: higher is better; -1: lower
    std::vector<double> baseline_sums;  // by batch
    std::vector<double> least_losses;
    double allowed = 0;
  };

  size_t batches_ = 0;
  uint64_t seed_;
  std::vector<Goal> goals_;
};

}  // namespace ns
