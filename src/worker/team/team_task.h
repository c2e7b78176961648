// What one worker of a task is asked to do at a time, and what comes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "quantize/facts.h"
#include "quantize/statistics.h"
#include "tune/tuning_item.h"
#include "worker/evaluator.h"

namespace ns {

// What calibration told: all of it, or what one configuration takes of it.
struct Knowledge {
  std::shared_ptr<const Statistics> statistics;  // null: `facts`
  QuantFacts facts;
};
using KnowledgePtr = std::shared_ptr<const Knowledge>;

struct TrialTask {
  TuningItem item;
  int trial = 0;                          // an evaluation's number
  bool may_stop = false;                  // an evaluation may end early
  std::vector<size_t> hard;               // batches that come first then
  int effect_runs = 16;                   // of a ranking
  std::vector<KnowledgePtr> knowledge;    // by configuration
};
// Evaluate the fp32 model over a part of the batches.
struct BaselineShard {
  int64_t first = 0, count = 0;
  double seconds = 0;  // after which no other batch is begun, but the first; 0: no limit
};
// Calibrate with a part of the rows, whole batches.
struct CalibrationShard {
  CalibrationOptions options;  // `threads` is the worker's own
  int64_t first_row = 0, rows = 0;
};
using TeamTask = std::variant<TrialTask, BaselineShard, CalibrationShard>;

struct TrialOutcome {
  TuningResult result;
  std::vector<size_t> hard;  // of an evaluation that was stopped early: the batches where it lost most
  double seconds = 0;        // that it took
  bool small = false;        // memory was short
};
using TeamOutcome = std::variant<TrialOutcome, EvaluationPart, Statistics>;

}  // namespace ns
