// A task's model and data, opened by an assistant, and what it does items with.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/progress.h"
#include "base/status.h"
#include "worker/item_runner.h"
#include "worker/team/task_codec.h"
#include "worker/team/team_options.h"
#include "worker/team/team_spec.h"

namespace ns {

// How far the item is.
class ItemProgress final : public ProgressSink {
 public:
  explicit ItemProgress(std::function<void(const std::string&)> say) : say_(std::move(say)) {}
  void Progress(std::string_view, double done, double total) override { part_ = total > 0 ? done / total : 0; }
  void Note(std::string_view text) override { say_(std::string(text)); }
  double part() const { return part_; }
  void Reset() { part_ = 0; }

 private:
  std::function<void(const std::string&)> say_;
  std::atomic<double> part_ = 0;
};

class Workbench {
 public:
  using Fetch = std::function<Result<std::string>(const std::string& digest)>;

  // `marks` outlives it. Errors of opening; FailedPrecondition (INPUT_DIFFERS).
  static Result<std::unique_ptr<Workbench>> Open(TeamSpec spec, const AssistOptions& options, const WorkMarks& marks, ItemProgress& progress,
                                                 std::stop_token stop);

  // Does what the lead's item says. `fetch`: from the lead; its errors are returned as they are.
  Result<TeamOutcome> Do(std::string_view item, const Fetch& fetch, std::stop_token stop);

 private:
  Workbench(TeamSpec spec, const WorkMarks& marks, ItemProgress& progress) : spec_(std::move(spec)), marks_(&marks), progress_(progress) {}
  Status CheckInputs() const;
  Status MakeEvaluator(int threads);
  Status UseRows(const std::vector<int64_t>& rows);
  Status UseStopper(const std::string& digest, const Fetch& fetch);
  Result<KnowledgePtr> KnowledgeOf(const std::string& digest, const Fetch& fetch);

  TeamSpec spec_;
  const WorkMarks* marks_;
  ItemProgress& progress_;
  std::optional<SourceModel> source_;
  std::optional<SourceData> data_;
  std::vector<int64_t> rows_;           // to evaluate, as the task tells
  std::optional<Quantizer> quantizer_;  // none: nothing can be quantized
  std::optional<Evaluator> evaluator_;
  bool references_ = false;             // the evaluator has the fp32 model's outputs, where it needs them
  std::string stopper_digest_;
  std::optional<EarlyStopper> stopper_;
  std::string knowledge_digest_;
  KnowledgePtr knowledge_;
  ItemTools tools_;
  std::optional<ItemRunner> runner_;
};

}  // namespace ns
