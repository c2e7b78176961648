#include "case_items.h"

#include <chrono>

#include <fmt/format.h>

#include "base/cpu.h"
#include "base/file.h"
#include "quantize/prepare.h"
#include "worker/cache_codec.h"
#include "worker/model_bytes.h"
#include "worker/operator_shares.h"
#include "worker/tuning_space.h"

namespace ns {

namespace {

constexpr size_t kProfileRows = 3;
constexpr int kEffectRuns = 16;

}  // namespace

Result<std::unique_ptr<CaseItems>> CaseItems::Open(const std::filesystem::path& model, const std::filesystem::path& data,
                                                   const std::filesystem::path& calibration, const std::filesystem::path& records) {
  std::unique_ptr<CaseItems> items(new CaseItems);
  NS_RETURN_IF_ERROR(items->Load(model, data, calibration));
  NS_RETURN_IF_ERROR(items->Prepare());
  NS_RETURN_IF_ERROR(items->MakeSpace());
  items->records_.emplace(TuningCache::Options{{}, records}, fmt::format("{} {} {} ", model.string(), data.string(), calibration.string()));
  return items;
}

Status CaseItems::Load(const std::filesystem::path& model, const std::filesystem::path& data, const std::filesystem::path& calibration) {
  latency_ = MakeLatencyRun({.threads = 1}, {UsableCores().front()});
  NS_ASSIGN_OR_RETURN(source_, LoadSource(model));
  DataOptions options;
  options.path = data;
  options.calibration = calibration.string();
  NS_ASSIGN_OR_RETURN(data_, OpenData(*source_, options, DataSetOptions::Labels::kRequired));
  return OkStatus();
}

Status CaseItems::Prepare() {
  NS_ASSIGN_OR_RETURN(prepared_, PrepareModel(source_->model.Clone(), progress_, {}));
  NS_ASSIGN_OR_RETURN(quantizer_, Quantizer::Create(prepared_->Clone()));
  std::vector<std::string> guesses;
  EvaluatorOptions options{{{"accuracy", {}}}, 1, 0};
  NS_ASSIGN_OR_RETURN(evaluator_, Evaluator::Create(*data_.evaluation, data_.split.evaluation, source_->model.outputs(), options, &guesses));
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, {}));
  NS_ASSIGN_OR_RETURN(baseline_, evaluator_->EvaluateBaseline(session, progress_, {}));
  problem_.goals = AccuracyGoals({{"accuracy", {}, baseline_.metrics[0].value}});
  stopper_.emplace(problem_.goals, baseline_, evaluator_->batch_size(), 0);
  NS_ASSIGN_OR_RETURN(float_session_, Session::FromModel(*prepared_, TimedSession(latency_)));
  calibrator_.emplace(static_cast<int64_t>(data_.split.calibration.size()), data_.calibration().fixed_batch().value_or(1));
  ItemTools tools;
  tools.quantizer = &*quantizer_;
  tools.evaluator = &*evaluator_;
  tools.early_stopper = &*stopper_;
  tools.data = &data_;
  tools.source = &source_->model;
  tools.float_session = &*float_session_;
  tools.latency = latency_;
  runner_.emplace(tools, progress_);
  return OkStatus();
}

Status CaseItems::MakeSpace() {
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*data_.evaluation, data_.split.evaluation, 1, kProfileRows));
  std::string why;
  problem_.space = MakeTuningSpace(*quantizer_, {}, CountRows(*prepared_, rows.at(0)), &why);
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-profile-"));
  NS_ASSIGN_OR_RETURN(auto nodes, ProfileNodes(*prepared_, TimedSession(latency_), rows, folder.path(), {}));
  QuantConfig nothing = DefaultConfig(OpMode::kFloat);
  auto shares = OperatorShares(nodes, quantizer_->Decisions(nothing), prepared_->graph());
  for (SpaceOperator& op : problem_.space.operators) op.float_share = shares.contains(op.name) ? shares.at(op.name) : 0;
  problem_.float_model = {{}, ModelBytes(*prepared_), 0};
  return OkStatus();
}

TuningSession::Options CaseItems::Tuning(const std::string& strategy, int max_trials) const {
  TuningSession::Options options;
  options.problem = problem_;
  options.stop.max_trials = max_trials;
  options.strategy = strategy;
  return options;
}

Result<KnowledgePtr> CaseItems::KnowledgeOf(const QuantConfig& config) {
  if (calibrator_->Covers(config)) return calibrator_->knowledge();
  auto start = std::chrono::steady_clock::now();
  for (CalibrationShard& shard : calibrator_->Begin({&config, 1}, 1)) {
    NS_ASSIGN_OR_RETURN(TeamOutcome outcome, runner_->Do(std::move(shard), {}));
    calibrator_->Take(std::get<Statistics>(std::move(outcome)));
  }
  calibration_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return calibrator_->knowledge();
}

Result<RecordedItem> CaseItems::DoNow(const TuningItem& item) {
  TrialTask task;
  task.item = item;
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  task.may_stop = evaluate != nullptr && !evaluate->in_full;
  task.effect_runs = kEffectRuns;
  // Known to all before anything is timed: a pass that a later configuration needs would else count for the first that asks.
  for (const QuantConfig& config : ConfigsOf(item)) NS_RETURN_IF_ERROR(KnowledgeOf(config).status());
  for (const QuantConfig& config : ConfigsOf(item)) {
    NS_ASSIGN_OR_RETURN(KnowledgePtr knowledge, KnowledgeOf(config));
    task.knowledge.push_back(std::move(knowledge));
  }
  NS_ASSIGN_OR_RETURN(TeamOutcome outcome, runner_->Do(std::move(task), {}));
  auto& done = std::get<TrialOutcome>(outcome);
  ++done_now_;
  return RecordedItem{std::move(done.result), done.seconds};
}

RecordedItem CaseItems::Do(const TuningItem& item) {
  std::string key = KeyOf(item);
  if (auto text = records_->Get(key)) {
    size_t end = text->find('\n');
    auto result = ResultFromText(text->substr(end + 1), item);
    NS_CHECK(result.has_value(), "a record that is none of ours");
    return {*std::move(result), std::stod(text->substr(0, end))};
  }
  auto record = DoNow(item);
  NS_CHECK(record.ok(), "{}", record.status().message());
  records_->Put(key, fmt::format("{}\n{}", record->seconds, ResultToText(record->result)));
  return *std::move(record);
}

}  // namespace ns
