#include <algorithm>
#include <limits>

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
// Where the timeout has no time for all rows: the share of it that the baseline may take, so that a candidate and packaging may fit, too, and
// the fewest rows that are worth a comparison.
constexpr double kBaselineShare = 0.25;
constexpr double kFewestRows = 16;

}  // namespace

double OptimizeRun::SecondsLeft() const {
  double timeout = options_.tuning.stop.timeout_seconds;
  return timeout > 0 ? timeout - progress_.elapsed_seconds() : std::numeric_limits<double>::infinity();
}

// Keeps as many evaluation rows as the timeout has time for; how long they take.
double OptimizeRun::FitRows(double expected_seconds) {
  auto& rows = data_->split.evaluation;
  auto all = static_cast<double>(rows.size());
  double count = std::clamp(all * kBaselineShare * std::max(SecondsLeft(), 0.0) / expected_seconds, std::min(kFewestRows, all), all);
  rows = SpreadRows(rows, static_cast<size_t>(count));
  AddNote(fmt::format("the fp32 model alone would take about {:.3g} s for {} rows, longer than the timeout: {} of them, evenly spread, stand for all",
                      expected_seconds, static_cast<int64_t>(all), rows.size()));
  return expected_seconds * static_cast<double>(rows.size()) / all;
}

// From a few rows on one thread, of which there will be as many side by side as threads.
Result<double> OptimizeRun::ExpectedBaselineSeconds(const Session& session) {
  const auto& rows = data_->split.evaluation;
  SteadyTime start{};
  double seconds = 0;
  int64_t run = -1;  // the first warms up
  uint64_t before = CurrentMemory().resident_bytes;
  bool peak_is_ours = ResetPeakMemory();
  for (; run < kSampleRows && run + 1 < static_cast<int64_t>(rows.size()) && seconds < kSampleSeconds; ++run) {
    if (run <= 0) start = context_.clock.steady();
    NS_ASSIGN_OR_RETURN(Batch batch, data_->evaluation->Read({&rows[static_cast<size_t>(run + 1)], 1}));
    NS_RETURN_IF_ERROR(session.Run(batch.inputs, {}, context_.stop).status());
    seconds = std::chrono::duration<double>(context_.clock.steady() - start).count();
  }
  MemoryUse after = CurrentMemory();
  uint64_t most = peak_is_ours ? after.peak_resident_bytes : after.resident_bytes;
  if (most > before) run_memory_ = (most - before) * static_cast<uint64_t>(evaluator_->batch_size());
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
  // Beside what is there now: fp32 once more as it is timed, two quantized models, in int8 a quarter each, and what each thread's run takes.
  expected.memory_bytes =
      CurrentMemory().resident_bytes + ModelBytes(*prepared_) * 3 / 2 + run_memory_ * static_cast<uint64_t>(std::max(options_.threads, 1));
  return expected;
}

}  // namespace ns
