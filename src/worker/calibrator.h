// What calibration has told so far, and what must still be found out for a configuration. One pass over the rows for each new need, which may be
// split over several workers.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "quantize/config.h"
#include "worker/team/team_task.h"

namespace ns {

class Calibrator {
 public:
  // Calibrates with `rows` rows in batches of `batch_size`.
  Calibrator(int64_t rows, int64_t batch_size) : rows_(rows), batch_size_(batch_size) {}

  bool empty() const { return statistics_ == nullptr; }
  bool Covers(const QuantConfig& config) const;
  const KnowledgePtr& knowledge() const { return knowledge_; }  // null when empty()

  // The pass that `configs` need, in at most `shares` parts. What was kept before is kept again. Not while one is under way (NS_CHECK).
  std::vector<CalibrationShard> Begin(std::span<const QuantConfig> configs, int shares);
  bool under_way() const { return missing_ > 0; }
  // When the pass that is under way has ended.
  bool WillCover(const QuantConfig& config) const { return Serves(coming_, config); }
  // A part's result, in any order; the last one ends the pass.
  void Take(Statistics part);
  void GiveUp();

 private:
  struct Need {
    std::set<CalibrationMethod> methods;
    bool channels = false;
  };
  static Need NeedOf(const QuantConfig& config);
  static bool Serves(const Need& told, const QuantConfig& config);

  int64_t rows_, batch_size_;
  Need kept_, coming_;
  std::shared_ptr<const Statistics> statistics_;
  KnowledgePtr knowledge_;
  Statistics merged_;
  size_t missing_ = 0;
};

}  // namespace ns
