// Does what a TuningSession asks for, on this machine: quantizes, evaluates, ranks, times.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "quantize/quantizer.h"
#include "tasks/report.h"
#include "tune/tuning_session.h"
#include "worker/evaluator.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/stage_progress.h"

namespace ns {

// What the trials have in common. Everything outlives the runner.
struct TrialSetting {
  const Quantizer* quantizer = nullptr;
  const Evaluator* evaluator = nullptr;
  const SourceData* data = nullptr;
  const Session* float_session = nullptr;  // of the prepared model, made with TimedSession(latency)
  LatencyRun latency;
  int64_t latency_batch = 1;
  int threads = 1;
  std::string metric;
  double baseline_seconds = 0;  // of the baseline's evaluation
};

class TrialRunner {
 public:
  TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop);

  // Runs `session` to its end. The expected time of packaging counts as spent, so that the whole stays within the
  // timeout. Errors: Cancelled; ResourceExhausted; of timing and ranking. A trial that cannot be made or run is told to
  // the session, not returned.
  Status Run(TuningSession& session);

  // One entry a trial, for the report.
  const std::vector<TrialReport>& reports() const { return reports_; }

  // The model of a trial; made again when it was not kept (the same bytes come out).
  Result<QuantizedModel> TakeModel(const Trial& trial);

 private:
  Status Evaluate(const EvaluateTrial& action, TuningSession& session);
  Result<TrialOutcome> EvaluateModel(const EvaluateTrial& action, TrialReport* report);
  Status Rank(const RankConfig& action, TuningSession& session);
  Status Time(const TimeTrials& action, TuningSession& session);
  void BeginStage(std::string_view stage);
  void Announce(const TrialReport& report, const TuningSession& session);
  // Sends the leading trial's event again when another one has taken the lead.
  void AnnounceNewLeader(const TuningSession& session);

  TrialSetting setting_;
  StageProgress& progress_;
  std::stop_token stop_;
  std::vector<TrialReport> reports_;
  std::map<int, QuantizedModel> kept_;  // of trials not timed yet, and the best
  double shown_ = 0;                    // of tuning, 0 to 1
  std::optional<int> leader_;           // the last one sent as the best
};

// Bytes of `model` as a file, nearly: its structure and its weights.
uint64_t ModelBytes(const Model& model);

}  // namespace ns
