// What Intel's neural_compressor 2.x says in its log about a tuning, read line by line while a script runs:
//   ... [INFO] FP32 baseline is: [Accuracy: 0.9926, Duration (seconds): 0.6725]
//   ... [INFO] Tune 1 result is: [Accuracy (int8|fp32): 0.9926|0.9926, Duration (seconds) (int8|fp32): 0.3217|0.6725], Best tune result is:
//              [Accuracy: 0.9926, Duration (seconds): 0.3217]                (one line; "n/a" while no trial met the goal)
//   ... [INFO] Save quantized model to PATH.      ... [INFO] Save config file and weights of quantized model to PATH.
// (neural_compressor/strategy/strategy.py and model/*.py of 2.6.) Of several metrics in one line the first counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task_spec.h"

namespace ns {

struct CompressorResult {
  double accuracy = 0;
  double seconds = 0;
};

struct CompressorTrial {
  int index = 0;  // "Tune n"
  CompressorResult result;
  std::optional<CompressorResult> best;  // "Best tune result" of its line
};

// Thread-compatible.
class CompressorLog {
 public:
  enum class Line { kOther, kBaseline, kTrial, kSaved };
  // Reads one line; says what was in it.
  Line Read(std::string_view line);

  const std::optional<CompressorResult>& baseline() const { return baseline_; }
  const std::vector<CompressorTrial>& trials() const { return trials_; }
  // Where the model was saved last; as it stands in the log, which may be relative. "" when nowhere.
  const std::string& saved() const { return saved_; }

  // The trial whose model the script got: the one that the library calls the best; where it calls none so, the fastest that meets `criterion`
  // against the baseline (accuracy where `higher_is_better` is not given: the higher the better). None when no trial met the goal.
  std::optional<CompressorTrial> Best(const CriterionSpec& criterion) const;

 private:
  std::optional<CompressorResult> baseline_;
  std::vector<CompressorTrial> trials_;
  std::string saved_;
  bool names_best_ = false;  // lines have a "Best tune result"
};

}  // namespace ns
