#include <algorithm>

#include "worker/recipe.h"
#include "worker/trial_runner.h"

namespace ns {

namespace {

constexpr double kShardSeconds = 1;  // less is not worth a worker's time
constexpr double kCalibration = 1.3;  // of the baseline's time for a row

}  // namespace

std::optional<QuantFacts> TrialRunner::CachedFacts(const QuantConfig& config) const {
  if (setting_.cache == nullptr) return std::nullopt;
  auto text = setting_.cache->Get("facts " + Canonical(config));
  auto recipe = text ? ParseRecipe(*text) : Result<Recipe>(NotFound("no facts"));
  return recipe.ok() ? std::optional(std::move(recipe->facts)) : std::nullopt;
}

std::optional<std::vector<KnowledgePtr>> TrialRunner::KnowledgeFor(const TuningItem& item) const {
  std::vector<KnowledgePtr> all;
  for (const QuantConfig& config : ConfigsOf(item)) {
    if (calibrator_.Covers(config)) {
      all.push_back(calibrator_.knowledge());
      continue;
    }
    // A ranking quantizes other configurations than its own: facts of that are not enough.
    auto facts = !std::holds_alternative<RankItem>(item) ? CachedFacts(config) : std::nullopt;
    if (!facts) return std::nullopt;
    all.push_back(std::make_shared<Knowledge>(Knowledge{nullptr, *std::move(facts)}));
  }
  return all;
}

// For all that wait and are needed; where none is, for those that are ahead of their time.
void TrialRunner::BeginCalibration() {
  calibrates_ahead_ = std::all_of(waiting_.begin(), waiting_.end(), [&](int id) { return ahead_.contains(id); });
  std::vector<QuantConfig> configs;
  for (int id : waiting_) {
    if (ahead_.contains(id) != calibrates_ahead_) continue;
    for (QuantConfig& config : ConfigsOf(under_way_.at(id).item)) configs.push_back(std::move(config));
  }
  BeginStage("calibrate");
  double row = setting_.baseline_seconds / static_cast<double>(std::max<size_t>(setting_.data->split.evaluation.size(), 1));
  double seconds = kCalibration * row * static_cast<double>(setting_.data->split.calibration.size());
  int shares = seconds > kShardSeconds ? workforce_->joined() : 1;
  for (CalibrationShard& shard : calibrator_.Begin(configs, shares)) {
    shards_.push_back(--last_shard_);
    workforce_->Begin(last_shard_, std::move(shard), calibrates_ahead_ ? Workforce::When::kAhead : Workforce::When::kNow);
  }
}

// A calibration for what may turn out to be of use gives way to that for what is needed, unless it tells that, too.
void TrialRunner::HurryCalibration() {
  std::vector<QuantConfig> needed;
  for (int id : waiting_) {
    if (ahead_.contains(id)) continue;
    for (QuantConfig& config : ConfigsOf(under_way_.at(id).item)) needed.push_back(std::move(config));
  }
  if (needed.empty() || !calibrator_.under_way() || !calibrates_ahead_) return;
  if (std::all_of(needed.begin(), needed.end(), [&](const QuantConfig& config) { return calibrator_.WillCover(config); })) {
    for (int64_t shard : shards_) workforce_->Need(shard);
    calibrates_ahead_ = false;
    return;
  }
  GiveUpCalibration();
  BeginCalibration();
}

void TrialRunner::GiveUpCalibration() {
  for (int64_t shard : std::exchange(shards_, {})) workforce_->Withdraw(shard);
  calibrator_.GiveUp();
}

Status TrialRunner::TakeCalibration(Workforce::Done done, TuningSession& session) {
  std::erase(shards_, done.id);
  if (done.outcome.ok()) {
    calibrator_.Take(std::get<Statistics>(*std::move(done.outcome)));
    if (calibrator_.under_way()) return OkStatus();
    if (setting_.quantizer != nullptr) setting_.quantizer->UseStatistics(calibrator_.knowledge()->statistics);
    return BeginWaiting(session);
  }
  GiveUpCalibration();
  // Rows that make fp32 compute NaN, a full disk, a stop: there is nothing to go on with. Else what waited has failed.
  const Status& status = done.outcome.status();
  if (status.code() == StatusCode::kCancelled || status.reason() == "NON_FINITE_VALUE" || status.reason() == "DISK_FULL") return status;
  progress_.Warn(status.message());
  for (int id : std::exchange(waiting_, {})) {
    TuningWork work = std::move(under_way_.at(id));
    under_way_.erase(id);
    ahead_.erase(id);
    End(work, FailedResult(work.item, status.message()), session);
  }
  return OkStatus();
}

Status TrialRunner::BeginWaiting(TuningSession& session) {
  for (int id : std::exchange(waiting_, {})) {
    const TuningWork& work = under_way_.at(id);
    auto knowledge = KnowledgeFor(work.item);
    if (!knowledge) {
      waiting_.push_back(id);
      continue;
    }
    // For a task that is started again.
    for (const QuantConfig& config : ConfigsOf(work.item)) NS_RETURN_IF_ERROR(CalibratedFacts(config).status());
    workforce_->Begin(id, TaskOf(work, *std::move(knowledge), session), WhenOf(id));
  }
  if (!waiting_.empty()) BeginCalibration();
  return OkStatus();
}

Result<QuantFacts> TrialRunner::CalibratedFacts(const QuantConfig& config) {
  Recipe recipe;
  recipe.config = config;
  NS_ASSIGN_OR_RETURN(recipe.facts, setting_.quantizer->Facts(config));
  if (setting_.cache != nullptr) setting_.cache->Put("facts " + Canonical(config), RecipeToJson(recipe));
  return std::move(recipe.facts);
}

Status TrialRunner::CalibrateHere(const QuantConfig& config) {
  calibrator_.GiveUp();
  BeginStage("calibrate");
  for (CalibrationShard& shard : calibrator_.Begin({&config, 1}, 1)) {
    NS_ASSIGN_OR_RETURN(TeamOutcome outcome, workforce_->Own().Do(std::move(shard), stop_));
    calibrator_.Take(std::get<Statistics>(std::move(outcome)));
  }
  setting_.quantizer->UseStatistics(calibrator_.knowledge()->statistics);
  return OkStatus();
}

Result<QuantFacts> TrialRunner::FactsOf(const QuantConfig& config) {
  if (!calibrator_.Covers(config)) {
    if (auto facts = CachedFacts(config)) return *std::move(facts);
    NS_RETURN_IF_ERROR(CalibrateHere(config));
  }
  return CalibratedFacts(config);
}

Result<QuantizedModel> TrialRunner::TakeModel(const QuantConfig& config) {
  workforce_->Settle();
  auto knowledge = KnowledgeFor(EvaluateItem{config, "", false});
  if (!knowledge) {
    NS_RETURN_IF_ERROR(CalibrateHere(config));
    knowledge = {calibrator_.knowledge()};
  } else if (own_quantizer_ && knowledge->at(0)->statistics == nullptr) {
    setting_.quantizer->UseFacts(config, knowledge->at(0)->facts);  // who packages asks this one
  }
  return workforce_->Own().TakeModel(config, knowledge->at(0));
}

}  // namespace ns
