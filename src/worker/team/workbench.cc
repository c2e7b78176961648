#include "worker/team/workbench.h"

#include "base/cpu.h"
#include "quantize/prepare.h"
#include "worker/optimize.h"

namespace ns {

namespace fs = std::filesystem;

Result<std::unique_ptr<Workbench>> Workbench::Open(TeamSpec spec, const AssistOptions& options, const WorkMarks& marks, ItemProgress& progress,
                                                   std::stop_token stop) {
  if (!options.model.empty()) spec.model = options.model;
  if (!options.data.empty()) spec.data.path = options.data;
  if (!options.calibration.empty()) spec.data.calibration = options.calibration.string();
  std::unique_ptr<Workbench> bench(new Workbench(std::move(spec), marks, progress));
  NS_ASSIGN_OR_RETURN(bench->source_, LoadSource(bench->spec_.model));
  auto labels = bench->spec_.labels ? DataSetOptions::Labels::kRequired : DataSetOptions::Labels::kOptional;
  NS_ASSIGN_OR_RETURN(bench->data_, OpenData(*bench->source_, bench->spec_.data, labels));
  NS_RETURN_IF_ERROR(bench->CheckInputs());
  auto& rows = bench->data_->split.evaluation;
  bench->rows_ = rows = SpreadRows(rows, static_cast<size_t>(bench->spec_.evaluation_rows));
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(bench->source_->model.Clone(), progress, stop));
  auto quantizer = Quantizer::Create(std::move(prepared));
  if (quantizer.ok()) {
    bench->quantizer_ = std::move(*quantizer);
  } else if (quantizer.status().reason() != "NOTHING_TO_QUANTIZE") {
    return quantizer.status();
  }
  size_t cores = options.cores.empty() ? UsableCores().size() : options.cores.size();
  NS_RETURN_IF_ERROR(bench->MakeEvaluator(options.threads > 0 ? options.threads : static_cast<int>(cores)));
  return bench;
}

Status Workbench::CheckInputs() const {
  for (const InputReport& input : spec_.inputs) {
    Result<std::string> digest = input.sha256;
    if (input.role == "model") digest = DigestOfModel(source_->onnx, source_->model);
    if (input.role == "dataset") digest = DigestOf(spec_.data.path);
    if (input.role == "calibration") digest = DigestOf(spec_.data.calibration);
    NS_RETURN_IF_ERROR(digest.status());
    if (*digest == input.sha256) continue;
    return FailedPrecondition(fmt::format("the {} here is not the lead's (SHA-256 {}..., the lead has {}...)", input.role, digest->substr(0, 12),
                                          input.sha256.substr(0, 12)),
                              "INPUT_DIFFERS");
  }
  return OkStatus();
}

Status Workbench::MakeEvaluator(int threads) {
  EvaluatorOptions options{{}, threads, spec_.data.batch_size};
  for (const MetricRequest& metric : spec_.metrics) options.metrics.push_back({metric.name, metric.options});
  std::vector<std::string> guesses;
  NS_ASSIGN_OR_RETURN(evaluator_, Evaluator::Create(*data_->evaluation, data_->split.evaluation, source_->model.outputs(), options, &guesses));
  tools_.quantizer = quantizer_ ? &*quantizer_ : nullptr;
  tools_.evaluator = &*evaluator_;
  tools_.data = &*data_;
  tools_.source = &source_->model;
  tools_.threads = threads;
  tools_.marks = marks_;
  references_ = false;
  runner_.emplace(tools_, progress_);
  return OkStatus();
}

// An evaluator for these as if it were the first: an earlier lead may have had others, or short memory.
Status Workbench::UseRows(const std::vector<int64_t>& rows) {
  if (stopper_digest_.empty() && rows == data_->split.evaluation) return OkStatus();
  stopper_digest_.clear();
  tools_.early_stopper = nullptr;
  data_->split.evaluation = rows;
  return MakeEvaluator(tools_.threads);
}

Status Workbench::UseStopper(const std::string& digest, const Fetch& fetch) {
  if (digest.empty() || digest == stopper_digest_) return OkStatus();
  NS_ASSIGN_OR_RETURN(std::string text, fetch(digest));
  NS_ASSIGN_OR_RETURN(StopperParts parts, StopperFromText(text));
  NS_RETURN_IF_ERROR(UseRows(parts.rows.empty() ? rows_ : parts.rows));
  if (parts.small) evaluator_->GoSmall();
  stopper_.emplace(AccuracyGoals(std::move(parts.goals)), parts.baseline, evaluator_->batch_size(), parts.seed);
  stopper_digest_ = digest;
  tools_.early_stopper = &*stopper_;
  runner_->Equip(tools_);
  return OkStatus();
}

Result<KnowledgePtr> Workbench::KnowledgeOf(const std::string& digest, const Fetch& fetch) {
  if (digest == knowledge_digest_) return knowledge_;
  NS_ASSIGN_OR_RETURN(std::string bytes, fetch(digest));
  NS_ASSIGN_OR_RETURN(Knowledge knowledge, KnowledgeFromBytes(bytes));
  knowledge_ = std::make_shared<Knowledge>(std::move(knowledge));
  knowledge_digest_ = digest;
  return knowledge_;
}

Result<TeamOutcome> Workbench::Do(std::string_view item, const Fetch& fetch, std::stop_token stop) {
  progress_.Reset();
  NS_ASSIGN_OR_RETURN(ReceivedTask received, TaskFromText(item, [&](const std::string& digest) { return KnowledgeOf(digest, fetch); }));
  if (std::holds_alternative<BaselineShard>(received.task)) NS_RETURN_IF_ERROR(UseRows(rows_));
  NS_RETURN_IF_ERROR(UseStopper(received.stopper, fetch));
  bool trial = std::holds_alternative<TrialTask>(received.task);
  if (trial && evaluator_->compares_with_baseline() && !references_) {
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, {}));
    NS_RETURN_IF_ERROR(evaluator_->EvaluateBaseline(session, progress_, stop).status());
    references_ = true;
  }
  return runner_->Do(received.task, stop, received.killed);
}

}  // namespace ns
