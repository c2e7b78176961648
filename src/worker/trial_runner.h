// Leads a TuningSession to its end: has what it asks for done by a workforce, looks up and keeps results, tells how it goes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "quantize/quantizer.h"
#include "tasks/report.h"
#include "tune/tuning_session.h"
#include "worker/calibrator.h"
#include "worker/early_stopper.h"
#include "worker/evaluator.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/model_bytes.h"
#include "worker/stage_progress.h"
#include "worker/team/worker_need.h"
#include "worker/tuning_cache.h"
#include "worker/work_marks.h"
#include "worker/workforce.h"

namespace ns {

// What the trials have in common. Everything outlives the runner.
struct TrialSetting {
  Quantizer* quantizer = nullptr;  // null: nothing can be quantized
  const Evaluator* evaluator = nullptr;
  const EarlyStopper* early_stopper = nullptr;
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
  Workforce* workforce = nullptr;  // null: this process alone
  double surplus_seconds = 30;     // a worker that had nothing to do for so long is let go
};

class TrialRunner {
 public:
  TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop);
  ~TrialRunner();

  // Runs `session` to its end. The expected time of packaging counts as spent, so that the whole stays within the
  // timeout. Errors: Cancelled; ResourceExhausted (DISK_FULL). A model that cannot be made, run or timed is told to the
  // session, not returned.
  Status Run(TuningSession& session);

  // One entry a trial, in the order of their numbers, for the report.
  std::vector<TrialReport> Reports(const TuningSession& session) const;
  // Memory was short for this trial: it was evaluated with one thread, row by row.
  bool WasSmall(int trial) const;
  int full_evaluations() const { return full_; }
  int partial_evaluations() const { return partial_; }

  // The model of a configuration; made again when it was not kept (the same bytes come out).
  Result<QuantizedModel> TakeModel(const QuantConfig& config);
  // What `config` takes from calibration: calibrated, or as the cache has it.
  Result<QuantFacts> FactsOf(const QuantConfig& config);

 private:
  // trial_runner.cc
  Status BeginMore(TuningSession& session);
  Status BeginWork(const TuningWork& work, TuningSession& session);
  void GiveUp(const std::vector<int>& ids);
  void NeedNow(const TuningSession& session);
  Status TakeDone(Workforce::Done done, TuningSession& session);
  Status TakeTrial(const TuningWork& work, Workforce::Done done, TuningSession& session);
  void End(const TuningWork& work, const TuningResult& result, TuningSession& session);
  std::string FullKey(const TuningItem& item) const;
  std::optional<TuningResult> FromCache(const TuningItem& item, const AccuracyGoals& goals) const;
  void ToCache(const TuningItem& item, const TuningResult& result, const AccuracyGoals& goals) const;
  TrialTask TaskOf(const TuningWork& work, std::vector<KnowledgePtr> knowledge, const TuningSession& session) const;
  int EffectRuns() const;
  void BeginStage(std::string_view stage);
  void TellWorkers(bool could_use_more);

  // trial_runner_knowledge.cc
  // What calibration must have told for this item, by configuration; none: a pass over the rows is needed first.
  std::optional<std::vector<KnowledgePtr>> KnowledgeFor(const TuningItem& item) const;
  std::optional<QuantFacts> CachedFacts(const QuantConfig& config) const;
  Workforce::When WhenOf(int id) const { return ahead_.contains(id) ? Workforce::When::kAhead : Workforce::When::kNow; }
  void BeginCalibration();
  void HurryCalibration();
  void GiveUpCalibration();
  Status TakeCalibration(Workforce::Done done, TuningSession& session);
  Status BeginWaiting(TuningSession& session);
  Status CalibrateHere(const QuantConfig& config);
  Result<QuantFacts> CalibratedFacts(const QuantConfig& config);

  // trial_runner_tell.cc
  void Tell(const TuningWork& work, const TuningResult& result, const TuningSession& session);
  void TellTimes(const TimeItem& item, const TimeResult& result, const TuningSession& session);
  void Announce(int trial, const TuningSession& session);

  struct Record {
    std::string started;
    double seconds = 0;
    bool cached = false;
    bool small = false;  // memory was short
    int worker = 0;
  };

  TrialSetting setting_;
  StageProgress& progress_;
  std::stop_token stop_;
  std::optional<OwnHands> own_hands_;           // where there is no workforce
  Workforce* workforce_;
  Calibrator calibrator_;
  WorkerNeed need_;
  std::map<int, TuningWork> under_way_;         // by its id
  std::set<int> ahead_;                         // of those, begun ahead of their time
  std::vector<int> waiting_;                    // of those, for calibration
  std::vector<int64_t> shards_;                 // of a calibration under way; all below 0
  bool calibrates_ahead_ = false;               // that calibration serves none that is needed
  int64_t last_shard_ = 0;
  std::vector<size_t> hard_;                    // batches in which earlier candidates lost most
  double longest_ = 0;                          // evaluation, in seconds
  std::map<int, Record> records_;               // by trial
  std::optional<Quantizer> own_quantizer_;  // of this process's own hands, where they work beside us
  std::mutex stage_mutex_;
  double shown_ = 0;            // of tuning, 0 to 1
  std::optional<int> leader_;   // the last one sent as the best
  int full_ = 0, partial_ = 0;
};

}  // namespace ns
