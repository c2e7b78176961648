// Does what a TuningSession asks for, on this machine: quantizes, evaluates, probes, ranks, times.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "quantize/output_probe.h"
#include "quantize/quantizer.h"
#include "tasks/report.h"
#include "tune/tuning_session.h"
#include "worker/early_stopper.h"
#include "worker/evaluator.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/model_bytes.h"
#include "worker/stage_progress.h"
#include "worker/tuning_cache.h"
#include "worker/work_marks.h"

namespace ns {

// What the trials have in common. Everything outlives the runner.
struct TrialSetting {
  Quantizer* quantizer = nullptr;  // null: nothing can be quantized
  const Evaluator* evaluator = nullptr;
  EarlyStopper* early_stopper = nullptr;
  const SourceData* data = nullptr;
  const Session* float_session = nullptr;  // of the prepared model, made with TimedSession(latency)
  LatencyRun latency;
  int64_t latency_batch = 1;
  int threads = 1;
  double baseline_seconds = 0;  // of the baseline's evaluation
  double evaluation_seconds = 0;  // that the first evaluation is expected to take
  double closing_seconds = 0;   // what is expected to be done after tuning: packaging
  const TuningCache* cache = nullptr;  // null: nothing is looked up or kept
  const WorkMarks* marks = nullptr;    // null: nothing is marked
  // Told that a model is there which a stop would hand out; empty: nobody asks.
  std::function<void()> has_best;
  // Bytes at the peak of a process that runs this model; empty: no objective needs it.
  std::function<Result<uint64_t>(const Model&)> measure_memory;
};

class TrialRunner {
 public:
  TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop);

  // Runs `session` to its end. The expected time of packaging counts as spent, so that the whole stays within the
  // timeout. Errors: Cancelled; ResourceExhausted (DISK_FULL). A model that cannot be made, run or timed is told to the
  // session, not returned; one that ran out of memory, here or in a worker that was killed for it, is tried again once, at Pace::kSmall.
  Status Run(TuningSession& session);

  // One entry a trial, in the order of their numbers, for the report.
  std::vector<TrialReport> Reports(const TuningSession& session) const;
  int full_evaluations() const { return full_; }
  int partial_evaluations() const { return partial_; }

  // The model of a configuration; made again when it was not kept (the same bytes come out).
  Result<QuantizedModel> TakeModel(const QuantConfig& config);
  // What `config` takes from calibration: calibrated, or as the cache has it.
  Result<QuantFacts> FactsOf(const QuantConfig& config);

 private:
  bool Calibrated(const QuantConfig& config) const;  // with all that it needs
  // Calibrates for what `config` needs, unless that was done.
  Status CalibrateFor(const QuantConfig& config);
  // The same, unless the cache has what `config`, and only it, takes from calibration.
  Status ReadyFor(const QuantConfig& config);
  std::string FullKey(const TuningItem& item) const;
  std::optional<TuningResult> FromCache(const TuningItem& item, const AccuracyGoals& goals) const;
  void ToCache(const TuningItem& item, const TuningResult& result, const AccuracyGoals& goals) const;
  Result<TuningResult> Do(const TuningWork& work, const TuningSession& session);
  Result<TuningResult> Marked(const TuningWork& work, const TuningSession& session);
  Result<TuningResult> Once(const TuningWork& work, const TuningSession& session);
  void MakeRoom();
  int threads() const { return pace_ == Pace::kSmall ? 1 : setting_.threads; }
  Result<TuningResult> Evaluate(const EvaluateItem& item, int trial, bool can_hold);
  Result<TuningResult> Probe(const ProbeItem& item);
  Result<TuningResult> Rank(const RankItem& item);
  Result<TuningResult> Time(const TimeItem& item, const TuningHistory& history);
  Result<const OutputProbe*> Prober();
  int EffectRuns() const;
  Result<const QuantizedModel*> Make(const QuantConfig& config);
  void BeginStage(std::string_view stage);
  void Tell(const TuningWork& work, const TuningResult& result, const TuningSession& session);
  void Announce(int trial, const TuningSession& session);

  struct Record {
    std::string started;
    double seconds = 0;
    bool cached = false;
    bool small = false;  // memory was short
  };

  TrialSetting setting_;
  StageProgress& progress_;
  std::stop_token stop_;
  std::map<int, Record> records_;                // by trial
  std::map<std::string, QuantizedModel> kept_;   // by Canonical(config): the last few
  std::vector<std::string> kept_order_;          // the oldest first
  std::string best_;                             // Canonical(config) of what a stop hands out
  std::optional<OutputProbe> probe_;
  Pace pace_ = Pace::kUsual;  // of what is done now
  std::set<CalibrationMethod> calibrated_;  // methods that calibration has kept statistics for
  bool channels_ = false;                   // and those of channels
  double shown_ = 0;            // of tuning, 0 to 1
  std::optional<int> leader_;   // the last one sent as the best
  int full_ = 0, partial_ = 0;
};

}  // namespace ns
