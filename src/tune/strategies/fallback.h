// What basic, mse and mse_v2 share: operators given up to float in some order, and how few of them are enough.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tune/latency_model.h"
#include "tune/strategies/inquiry.h"

namespace ns {

// How an operator's harm is judged.
enum class Impact {
  kOutputs,  // by the noise in the model's outputs when it alone is quantized (its own where that was not measured)
  kOwnError  // by the error of its own output
};

// The quantized operators of `config`, the most harmful first. Where they cannot be ranked: from the model's end to its start.
Result<std::vector<std::string>> MostHarmfulOf(Inquiry& ask, const QuantConfig& config, Impact impact);

// `config` with the first `count` of `order` in float.
QuantConfig GiveUp(const QuantConfig& config, const std::vector<std::string>& order, int count);
// "static, 2 operators in float".
std::string GiveUpLabel(const std::string& label, int count);

// False when so little is left quantized that it could not gain Objective::least_gain even at the best: not worth an evaluation.
bool WorthEvaluating(const TuningProblem& problem, const QuantConfig& config);

// The least count in [1, most] for which `holds(count)` (a Result<bool>) is true, if it is true for all greater ones; `most` + 1:
// none. Looks at 1, 2, 4, 8, ... until one holds, then halves the gap: at most 2 ceil(log2(least)) + 1 questions.
template <typename Holds>
Result<int> LeastThatHolds(int most, Holds&& holds) {
  int fails = 0, passes = most + 1;
  for (int count = 1; count <= most; count = std::min(2 * count, most)) {
    NS_ASSIGN_OR_RETURN(bool held, holds(count));
    (held ? passes : fails) = count;
    if (held || count == most) break;
  }
  while (passes <= most && passes - fails > 1) {
    int count = fails + (passes - fails) / 2;
    NS_ASSIGN_OR_RETURN(bool held, holds(count));
    (held ? passes : fails) = count;
  }
  return passes;
}

}  // namespace ns
