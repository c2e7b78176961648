// The items of tuning a real model, done for real by one worker of one core, each once: what came of it and how long it took is kept, so that
// teams of any size can be simulated on the same durations.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/progress.h"
#include "team_simulation.h"
#include "worker/calibrator.h"
#include "worker/item_runner.h"
#include "worker/tuning_cache.h"

namespace ns {

class CaseItems {
 public:
  // `data` has labels; `records`: the folder in which results are kept and looked for, over runs too. The accuracy may fall by 1 %.
  static Result<std::unique_ptr<CaseItems>> Open(const std::filesystem::path& model, const std::filesystem::path& data,
                                                 const std::filesystem::path& calibration, const std::filesystem::path& records);

  TuningSession::Options Tuning(const std::string& strategy, int max_trials) const;
  // NS_CHECK: it could be done.
  RecordedItem Do(const TuningItem& item);

  // On one core, of what comes before the first item.
  double baseline_seconds() const { return baseline_.seconds; }
  double calibration_seconds() const { return calibration_seconds_; }
  int done_now() const { return done_now_; }  // items that were not on record

 private:
  CaseItems() = default;
  Status Load(const std::filesystem::path& model, const std::filesystem::path& data, const std::filesystem::path& calibration);
  Status Prepare();
  Status MakeSpace();
  Result<RecordedItem> DoNow(const TuningItem& item);
  Result<KnowledgePtr> KnowledgeOf(const QuantConfig& config);

  NullProgress progress_;
  LatencyRun latency_;
  std::optional<SourceModel> source_;
  SourceData data_;
  std::optional<Model> prepared_;
  std::optional<Quantizer> quantizer_;
  std::optional<Evaluator> evaluator_;
  Evaluation baseline_;
  TuningProblem problem_;
  std::optional<EarlyStopper> stopper_;
  std::optional<Session> float_session_;
  std::optional<Calibrator> calibrator_;
  std::optional<ItemRunner> runner_;
  std::optional<TuningCache> records_;
  double calibration_seconds_ = 0;
  int done_now_ = 0;
};

}  // namespace ns
