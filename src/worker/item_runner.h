// Does the items of a tuning session on this machine: quantizes, evaluates, probes, ranks, times; and its share of baseline and calibration.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "quantize/output_probe.h"
#include "quantize/quantizer.h"
#include "worker/early_stopper.h"
#include "worker/evaluator.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/team/team_task.h"
#include "worker/work_marks.h"

namespace ns {

// What a worker works with. Everything outlives the runner; a quantizer is used by one runner at a time.
struct ItemTools {
  Quantizer* quantizer = nullptr;               // null: nothing can be quantized
  const Evaluator* evaluator = nullptr;
  const EarlyStopper* early_stopper = nullptr;  // null: no evaluation ends early
  const SourceData* data = nullptr;
  const Model* source = nullptr;                // the fp32 model as it was handed in, for the baseline; null: none is asked for
  const Session* float_session = nullptr;       // of the prepared model, made with TimedSession(latency); null: nothing is timed
  LatencyRun latency;
  int64_t latency_batch = 1;
  int threads = 1;
  // Bytes at the peak of a process that runs this model; empty: no objective needs it.
  std::function<Result<uint64_t>(const Model&)> measure_memory;
  const WorkMarks* marks = nullptr;             // null: nothing is marked
  std::function<void(std::string_view stage)> begin_stage = [](std::string_view) {};
};

// What it is called in WorkMarks.
std::string PieceOf(const TeamTask& task);

class ItemRunner {
 public:
  ItemRunner(ItemTools tools, ProgressSink& progress) : tools_(std::move(tools)), progress_(progress) {}

  // Other tools from now on; nothing is under way.
  void Equip(ItemTools tools);

  // What ran out of memory, here or in a worker that was killed for it, is tried again once, at Pace::kSmall. `killed`: so many
  // were, as the lead knows.
  // Errors: of quantizing, of sessions; Cancelled; ResourceExhausted (OUT_OF_MEMORY); InvalidArgument (NON_FINITE_VALUE).
  Result<TeamOutcome> Do(const TeamTask& task, std::stop_token stop, int killed = 0);

  // The model of a configuration; made again when it was not kept (the same bytes come out).
  Result<QuantizedModel> TakeModel(const QuantConfig& config, const KnowledgePtr& knowledge);
  // Whatever comes, the model of this configuration (Canonical) is kept once it is made. Thread-safe.
  void Keep(const std::string& best);

 private:
  Result<TeamOutcome> Marked(const TeamTask& task, std::stop_token stop, int killed, bool* small);
  Result<TeamOutcome> Once(const TeamTask& task, std::stop_token stop);
  Result<TuningResult> DoTrial(const TrialTask& task, std::stop_token stop, TrialOutcome* outcome);
  Result<TuningResult> Evaluate(const EvaluateItem& item, const TrialTask& task, std::stop_token stop, TrialOutcome* outcome);
  Result<TuningResult> Probe(const ProbeItem& item, const TrialTask& task, std::stop_token stop);
  Result<TuningResult> Rank(const RankItem& item, const TrialTask& task, std::stop_token stop);
  Result<TuningResult> Time(const TimeItem& item, const TrialTask& task, std::stop_token stop);
  Result<EvaluationPart> Baseline(const BaselineShard& shard, std::stop_token stop);
  Result<Statistics> Calibrate(const CalibrationShard& shard, std::stop_token stop);
  Result<const OutputProbe*> Prober(std::stop_token stop);
  Result<const QuantizedModel*> Make(const QuantConfig& config, const KnowledgePtr& knowledge);
  void Use(const QuantConfig& config, const KnowledgePtr& knowledge);
  void MakeRoom();
  int threads() const { return pace_ == Pace::kSmall ? 1 : tools_.threads; }
  std::string best() const;

  ItemTools tools_;
  ProgressSink& progress_;
  KnowledgePtr used_;
  std::map<std::string, QuantizedModel> kept_;  // by Canonical(config): the last few
  std::vector<std::string> kept_order_;         // the oldest first
  mutable std::mutex best_mutex_;
  std::string best_;
  std::optional<OutputProbe> probe_;
  std::optional<Session> source_session_;
  Pace pace_ = Pace::kUsual;  // of what is done now
};

}  // namespace ns
