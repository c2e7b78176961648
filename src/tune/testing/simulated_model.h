// A made-up model to tune, for tests and bench/tune: it answers every kind of item by formula, the same item always the same.
//
// Operator i, quantized, makes noise of power n_i in its own output, and n_i a_i in the model's; dynamic form makes a fifth of that, a
// better calibration half. Pairs that interact make more when both are quantized. The noises add up to P, in units of the tolerable
// loss: the model loses 1 % of its accuracy, which is what is tolerated, at P = 1. Its time is 1 less what the quantized
// operators save of their shares. Probes and rankings see P or their part of it with an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tune/tuning_history.h"

namespace ns {

class SimulatedModel {
 public:
  struct Options {
    uint64_t seed = 0;
    int operators = 12;
    int operators_in_block = 0;    // 0: there are no blocks
    int harmful = 0;               // operators that lose at least what is tolerable alone
    double diffuse = 0;            // P of all the others together
    int interactions = 0;          // pairs that lose what is tolerable together, and not alone
    double evaluation_noise = 0;   // standard deviation of the accuracy, in units of the tolerable loss
    double measuring_noise_db = 0; // of probes and rankings
    bool dynamic = true;           // MatMul and Gemm have a dynamic form
    bool calibrations = false;     // entropy is allowed beside minmax
    double failing_share = 0;      // of configurations that cannot be made
    bool stopping = false;         // evaluations that miss the goal are stopped early
  };
  explicit SimulatedModel(const Options& options);

  TuningProblem problem() const;
  TuningResult Do(const TuningItem& item) const;

  double Noise(const QuantConfig& config) const;    // P
  double Speedup(const QuantConfig& config) const;  // true, without an error of measurement
  const std::vector<std::string>& harmful() const { return harmful_; }

 private:
  struct Operator {
    double noise = 0;
    double amplification = 1;
    double static_saving = 0, dynamic_saving = 0;  // of its share
  };
  struct Pair {
    size_t first, second;
    double noise;
  };

  double NoiseOf(size_t op, const QuantConfig& config) const;
  double Error(const std::string& what) const;  // standard normal, the same for the same text

  EvaluateResult Evaluate(const QuantConfig& config) const;
  RankResult Rank(const QuantConfig& config) const;

  Options options_;
  TuningSpace space_;
  std::vector<Operator> operators_;
  std::vector<Pair> pairs_;
  std::vector<std::string> harmful_;
};

}  // namespace ns
