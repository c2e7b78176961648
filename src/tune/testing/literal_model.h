// A model whose every number a test gives: for literal expected sequences.
#pragma once

#include <string>
#include <vector>

#include "tune/tuning_history.h"

namespace ns {

struct LiteralOperator {
  std::string name;
  std::string type = "MatMul";
  double noise = 0;            // that it adds to the loss in static form; a loss of 1 is the most that is tolerable
  double dynamic_noise = -1;   // in dynamic form; below 0: it has none
  double own_noise = -1;       // of its own output, as a ranking sees it; below 0: like `noise`
  double share = -1;           // of the run; below 0: all alike
};

// Losses add up: accuracy = 0.9 (1 - 0.01 loss), 1 % is tolerated. A quantized operator takes half its time in static form and a
// third in dynamic form. SQNRs are -10 log10(noise), and infinite for none.
class LiteralModel {
 public:
  explicit LiteralModel(std::vector<LiteralOperator> operators) : operators_(std::move(operators)) {}
  TuningProblem problem() const;
  TuningResult operator()(const TuningItem& item) const;

 private:
  double ShareOf(const LiteralOperator& op) const;
  double Loss(const QuantConfig& config) const;
  RankResult Rank(const QuantConfig& config) const;
  MeasuredModel Time(const QuantConfig& config) const;

  std::vector<LiteralOperator> operators_;
};

}  // namespace ns
