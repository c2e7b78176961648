#include "worker/trial_runner.h"

#include <algorithm>

#include "worker/cache_codec.h"
#include "worker/recipe.h"

namespace ns {

namespace {

constexpr double kTuningFrom = 0.4, kTuningTo = 0.8;  // of the whole work
constexpr double kProbeRows = 16;

// What ends the whole task, not just the item: a stop, a full disk, calibration rows that make fp32 itself compute NaN.
bool EndsAll(const Status& status) {
  bool memory = status.reason() == "OUT_OF_MEMORY";
  return status.code() == StatusCode::kCancelled || status.reason() == "NON_FINITE_VALUE" ||
         (status.code() == StatusCode::kResourceExhausted && !memory);
}

ItemTools ToolsOf(const TrialSetting& setting) {
  ItemTools tools;
  tools.quantizer = setting.quantizer;
  tools.evaluator = setting.evaluator;
  tools.early_stopper = setting.early_stopper;
  tools.data = setting.data;
  tools.float_session = setting.float_session;
  tools.latency = setting.latency;
  tools.latency_batch = setting.latency_batch;
  tools.threads = setting.threads;
  tools.measure_memory = setting.measure_memory;
  tools.marks = setting.marks;
  return tools;
}

}  // namespace

TrialRunner::TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop)
    : setting_(std::move(setting)),
      progress_(progress),
      stop_(std::move(stop)),
      workforce_(setting_.workforce),
      calibrator_(static_cast<int64_t>(setting_.data->split.calibration.size()), setting_.data->calibration().fixed_batch().value_or(1)),
      need_(workforce_ != nullptr ? workforce_->most() : 1, setting_.surplus_seconds) {
  ItemTools tools = ToolsOf(setting_);
  tools.begin_stage = [this](std::string_view stage) { BeginStage(stage); };
  if (workforce_ == nullptr) {
    own_hands_.emplace(std::move(tools), progress_, stop_);
    workforce_ = &*own_hands_;
    return;
  }
  if (setting_.quantizer != nullptr) {
    // The same model as the first, which had something to quantize.
    own_quantizer_ = Quantizer::Create(setting_.quantizer->prepared().Clone()).value();
    tools.quantizer = &*own_quantizer_;
  }
  workforce_->Own().Equip(std::move(tools));
}

TrialRunner::~TrialRunner() { workforce_->Settle(); }

// How many items there will be isn't known: each takes a sixth of what is left.
void TrialRunner::BeginStage(std::string_view stage) {
  std::lock_guard lock(stage_mutex_);
  double next = shown_ + (1 - shown_) / 6;
  progress_.Begin(stage, kTuningFrom + (kTuningTo - kTuningFrom) * shown_,
                  kTuningFrom + (kTuningTo - kTuningFrom) * next);
  shown_ = next;
}

Status TrialRunner::Run(TuningSession& session) {
  longest_ = setting_.evaluation_seconds;
  while (true) {
    NS_RETURN_IF_ERROR(progress_.status());
    if (stop_.stop_requested()) return Cancelled();
    NS_RETURN_IF_ERROR(BeginMore(session));
    if (session.idle()) return OkStatus();
    NS_ASSIGN_OR_RETURN(auto done, workforce_->Wait());
    if (done) NS_RETURN_IF_ERROR(TakeDone(*std::move(done), session));
  }
}

Status TrialRunner::BeginMore(TuningSession& session) {
  while (true) {
    GiveUp(session.GiveUp());
    NeedNow(session);
    int free = std::max(0, workforce_->free() - static_cast<int>(waiting_.size()));
    auto all = session.Next({progress_.elapsed_seconds() + setting_.closing_seconds, longest_}, free);
    for (const TuningWork& work : all) NS_RETURN_IF_ERROR(BeginWork(work, session));
    if (all.empty()) {
      TellWorkers(free == 0);
      return OkStatus();
    }
  }
}

void TrialRunner::GiveUp(const std::vector<int>& ids) {
  for (int id : ids) {
    under_way_.erase(id);
    ahead_.erase(id);
    std::erase(waiting_, id);
    workforce_->Withdraw(id);
  }
  if (waiting_.empty() && calibrator_.under_way()) GiveUpCalibration();
}

// What was begun ahead of its time and has turned out to be needed.
void TrialRunner::NeedNow(const TuningSession& session) {
  std::erase_if(ahead_, [&](int id) {
    if (session.ahead(id)) return false;
    workforce_->Need(id);
    return true;
  });
  HurryCalibration();
}

void TrialRunner::TellWorkers(bool could_use_more) {
  int joined = workforce_->joined();
  int busy = joined - std::max(0, workforce_->free());
  auto event = need_.Update(joined, busy, could_use_more, workforce_->idle_seconds());
  if (event) progress_.Send(*event);
  if (need_.surplus() && workforce_->Release(need_.useful()) > 0) {
    progress_.Note(fmt::format("no more than {} worker{} of use now: the others are let go", need_.useful(), need_.useful() == 1 ? " is" : "s are"));
  }
}

Status TrialRunner::BeginWork(const TuningWork& work, TuningSession& session) {
  if (work.trial > 0 && records_[work.trial].started.empty()) records_[work.trial].started = FormatTime(SystemClock().wall());
  if (auto cached = FromCache(work.item, session.history().problem().goals)) {
    if (work.trial > 0) {
      records_[work.trial].cached = true;
      records_[work.trial].small = setting_.marks != nullptr && setting_.marks->Killed(KeyOf(work.item)) > 0;
    }
    End(work, *cached, session);
    return OkStatus();
  }
  under_way_[work.id] = work;
  if (work.ahead) ahead_.insert(work.id);
  if (auto knowledge = KnowledgeFor(work.item)) {
    workforce_->Begin(work.id, TaskOf(work, *std::move(knowledge), session), WhenOf(work.id));
    return OkStatus();
  }
  waiting_.push_back(work.id);
  HurryCalibration();
  if (!calibrator_.under_way()) BeginCalibration();
  return OkStatus();
}

TrialTask TrialRunner::TaskOf(const TuningWork& work, std::vector<KnowledgePtr> knowledge, const TuningSession& session) const {
  TrialTask task;
  task.item = work.item;
  task.trial = work.trial;
  // A goal that fp32 itself misses is missed by all: what counts then is who comes closest.
  auto* evaluate = std::get_if<EvaluateItem>(&work.item);
  task.may_stop = evaluate != nullptr && !evaluate->in_full && session.history().problem().goals.BaselineHolds();
  task.hard = hard_;
  task.effect_runs = EffectRuns();
  task.knowledge = std::move(knowledge);
  return task;
}

Status TrialRunner::TakeDone(Workforce::Done done, TuningSession& session) {
  if (done.id < 0) return TakeCalibration(std::move(done), session);
  TuningWork work = std::move(under_way_.at(static_cast<int>(done.id)));
  under_way_.erase(work.id);
  ahead_.erase(work.id);
  return TakeTrial(work, std::move(done), session);
}

Status TrialRunner::TakeTrial(const TuningWork& work, Workforce::Done done, TuningSession& session) {
  if (work.trial > 0) records_[work.trial].worker = done.worker;
  if (!done.outcome.ok()) {
    if (EndsAll(done.outcome.status())) return done.outcome.status();
    progress_.Warn(done.outcome.status().message());
    End(work, FailedResult(work.item, done.outcome.status().message()), session);
    return OkStatus();
  }
  auto& outcome = std::get<TrialOutcome>(*done.outcome);
  ToCache(work.item, outcome.result, session.history().problem().goals);
  if (work.trial > 0) {
    records_[work.trial].seconds += outcome.seconds;
    records_[work.trial].small = outcome.small;
    longest_ = std::max(longest_, outcome.seconds);
    bool early = std::get<EvaluateResult>(outcome.result).stopped_early;
    ++(early ? partial_ : full_);
    if (early) hard_ = std::move(outcome.hard);
  }
  End(work, outcome.result, session);
  return OkStatus();
}

void TrialRunner::End(const TuningWork& work, const TuningResult& result, TuningSession& session) {
  session.Observe(work.id, result);
  Tell(work, result, session);
}

namespace {

// An evaluation that was stopped early says something about these goals only.
std::string EarlyKey(const TuningItem& item, const AccuracyGoals& goals) {
  std::string key = "stopped early";
  for (const AccuracyGoal& goal : goals.goals()) {
    key += fmt::format(" {} {} {} {}", goal.metric, CriterionKindName(goal.criterion.kind), goal.criterion.tolerable_loss,
                       goal.criterion.higher_is_better);
  }
  return key + " " + KeyOf(item);
}

}  // namespace

// Whether it may end early or not, a result over all rows is the same.
std::string TrialRunner::FullKey(const TuningItem& item) const {
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) return KeyOf(EvaluateItem{evaluate->config, "", true});
  bool with_memory = std::holds_alternative<TimeItem>(item) && setting_.measure_memory;
  return (with_memory ? "memory and " : "") + KeyOf(item);
}

std::optional<TuningResult> TrialRunner::FromCache(const TuningItem& item, const AccuracyGoals& goals) const {
  if (setting_.cache == nullptr) return std::nullopt;
  auto text = setting_.cache->Get(FullKey(item));
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  if (!text && evaluate != nullptr && !evaluate->in_full) text = setting_.cache->Get(EarlyKey(item, goals));
  return text ? ResultFromText(*text, item) : std::nullopt;
}

void TrialRunner::ToCache(const TuningItem& item, const TuningResult& result, const AccuracyGoals& goals) const {
  if (setting_.cache == nullptr) return;
  auto* evaluated = std::get_if<EvaluateResult>(&result);
  setting_.cache->Put(evaluated != nullptr && evaluated->stopped_early ? EarlyKey(item, goals) : FullKey(item), ResultToText(result));
}

// As many runs as take about the time of one evaluation: what they save is several.
int TrialRunner::EffectRuns() const {
  auto rows = static_cast<double>(setting_.data->split.evaluation.size());
  double one = setting_.baseline_seconds * std::min(1.0, kProbeRows / rows) + 0.1;
  return std::clamp(static_cast<int>(setting_.baseline_seconds / one), 16, 128);
}

}  // namespace ns
