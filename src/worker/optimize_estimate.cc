#include <algorithm>

#include "runtime/memory.h"
#include "worker/optimize_run.h"

namespace ns {

namespace {

constexpr int64_t kSampleRows = 4;
constexpr double kSampleSeconds = 1;
// Of the fp32 model's times, as measured on the examples and BERT-base: calibration watches every value, int8 is faster.
constexpr double kCalibration = 1.3, kQuantized = 0.6;
constexpr double kTypicalEvaluations = 1.5;  // of candidates: an easy model takes one or two
constexpr double kRounds = 200;              // of timing, each of all models, until its budget is used up
constexpr double kOverhead = 1.5;            // seconds: loading, preparing, quantizing, files, memory

}  // namespace

// From a few rows on one thread, of which there will be as many side by side as threads.
Result<double> OptimizeRun::ExpectedBaselineSeconds(const Session& session) {
  const auto& rows = data_->split.evaluation;
  SteadyTime start{};
  double seconds = 0;
  int64_t run = -1;  // the first warms up
  for (; run < kSampleRows && run + 1 < static_cast<int64_t>(rows.size()) && seconds < kSampleSeconds; ++run) {
    if (run <= 0) start = context_.clock.steady();
    NS_ASSIGN_OR_RETURN(Batch batch, data_->evaluation->Read({&rows[static_cast<size_t>(run + 1)], 1}));
    NS_RETURN_IF_ERROR(session.Run(batch.inputs, {}, context_.stop).status());
    seconds = std::chrono::duration<double>(context_.clock.steady() - start).count();
  }
  double row = seconds / static_cast<double>(std::max<int64_t>(run, 1));
  return row * static_cast<double>(rows.size()) / options_.threads;
}

EstimateEvent OptimizeRun::Expect(double baseline_seconds) const {
  double row = baseline_seconds * options_.threads / static_cast<double>(data_->split.evaluation.size());
  double timing = std::min(latency_.budget_seconds, kRounds * row);
  bool calibrates = options_.tuning.approach != Approach::kDynamic && quantizer_;
  double calibration = calibrates ? kCalibration * row * static_cast<double>(data_->split.calibration.size()) / options_.threads : 0;
  EstimateEvent expected;
  expected.seconds = kOverhead + baseline_seconds + calibration + (quantizer_ ? kTypicalEvaluations : 0) * kQuantized * baseline_seconds +
                     kQuantized * baseline_seconds + (quantizer_ ? 2 : 1) * timing;
  const StopCondition& stop = options_.tuning.stop;
  if (stop.timeout_seconds > 0) expected.seconds = std::min(expected.seconds, stop.timeout_seconds);
  // Beside what is there now: fp32 once more as it is timed, and two quantized models, in int8 a quarter each.
  expected.memory_bytes = CurrentMemory().resident_bytes + ModelBytes(*prepared_) * 3 / 2;
  return expected;
}

}  // namespace ns
