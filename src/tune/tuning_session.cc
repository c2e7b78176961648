#include "tune/tuning_session.h"

#include <algorithm>
#include <cmath>

#include "tune/latency_model.h"

namespace ns {

namespace {

// After so many proposals in a row that could not be better nothing better is expected.
constexpr int kHopeless = 200;
// Up to so many times the tolerable loss a model is near enough to say so.
constexpr double kNear = 10;

}  // namespace

Result<TuningSession> TuningSession::Create(Options options) {
  NS_ASSIGN_OR_RETURN(auto strategy, MakeStrategy(options.strategy));
  return TuningSession(std::move(options), std::move(strategy));
}

TuningSession::TuningSession(Options options, std::unique_ptr<Strategy> strategy)
    : stop_(options.stop),
      stop_at_goal_(options.stop_at_goal),
      strategy_(std::move(strategy)),
      history_(std::move(options.problem)) {}

bool TuningSession::ShouldStop(const TuningBudget& budget) {
  if (stopped_) return true;
  std::string why;
  if (stop_.Reached(history_.evaluations() - CountAhead(true), budget.elapsed_seconds, &why)) {
    stopped_why_ = why;
  } else if (stop_.timeout_seconds > 0 &&
             budget.elapsed_seconds + budget.evaluation_seconds > stop_.timeout_seconds) {
    stopped_why_ = fmt::format("the {:g} s allowed leave no time for another evaluation", stop_.timeout_seconds);
  } else if (stop_at_goal_ && best()) {
    stopped_why_ = "the goal is met and no more was asked for";
  } else {
    return false;
  }
  stopped_ = true;
  return true;
}

std::optional<TuningItem> TuningSession::TimeAccepted() const {
  TimeItem timing;
  for (const Trial& trial : history_.trials())
    if (trial.accepted && history_.FindModel(trial.config) == nullptr) timing.configs.push_back(trial.config);
  if (timing.configs.empty()) return std::nullopt;
  // One that is under way covers some of them: wait for it.
  for (const auto& [id, one] : under_way_)
    if (std::holds_alternative<TimeItem>(one.item)) return std::nullopt;
  return TuningItem(std::move(timing));
}

std::vector<TuningWork> TuningSession::Next(const TuningBudget& budget, int count) {
  std::vector<TuningWork> work;
  bool stop = ShouldStop(budget);
  if (stop || !strategy_->times_models()) {
    if (auto timing = TimeAccepted()) Begin({std::move(*timing)}, &work);
  }
  if (stop) return work;
  int room = std::max(count, 0) - static_cast<int>(work.size());
  for (Proposal& proposal : Wanted(room + CountAhead(false))) {
    bool needed = proposal.assuming.empty();
    if (room <= 0 && !needed) break;
    int evaluations = history_.evaluations() - (needed ? CountAhead(true) : 0);
    if (std::holds_alternative<EvaluateItem>(proposal.item) && evaluations >= stop_.max_trials) continue;
    Begin({std::move(proposal.item), std::move(proposal.assuming)}, &work);
    --room;
  }
  if (work.empty() && idle()) {
    for (TuningItem& closest : EvaluateClosest(count)) Begin({std::move(closest), {}, true}, &work);
  }
  return work;
}

TuningSession::Need TuningSession::NeedOf(const UnderWay& one) const {
  if (one.closest) {
    std::vector<const Trial*> estimates = ClosestEstimates();
    const Trial* trial = history_.Find(std::get<EvaluateItem>(one.item).config);
    if (std::find(estimates.begin(), estimates.end(), trial) == estimates.end()) return Need::kNoMore;
    return estimates.front() == trial ? Need::kNow : Need::kAhead;
  }
  bool ahead = false;
  for (const auto& [config, holds] : one.assuming) {
    const Trial* trial = history_.FindByText(config);
    bool known = trial != nullptr && trial->result;
    if (known && trial->accepted != holds) return Need::kNoMore;
    ahead = ahead || !known;
  }
  return ahead ? Need::kAhead : Need::kNow;
}

int TuningSession::CountAhead(bool evaluations) const {
  return static_cast<int>(std::count_if(under_way_.begin(), under_way_.end(), [&](const auto& one) {
    return (!evaluations || std::holds_alternative<EvaluateItem>(one.second.item)) && NeedOf(one.second) != Need::kNow;
  }));
}

std::vector<int> TuningSession::GiveUp() {
  std::vector<int> given_up;
  for (const auto& [id, one] : under_way_) {
    Need need = NeedOf(one);
    if (need == Need::kNoMore || (stopped_ && need == Need::kAhead)) given_up.push_back(id);
  }
  for (int id : given_up) history_.Withdraw(under_way_.at(id).item);
  if (!given_up.empty() && !stopped_) KeepPlanned(&given_up);
  // One that is needed took the place of the last that was not.
  for (auto one = under_way_.rbegin(); one != under_way_.rend() && history_.evaluations() > stop_.max_trials; ++one) {
    if (!std::holds_alternative<EvaluateItem>(one->second.item) || NeedOf(one->second) != Need::kAhead) continue;
    history_.Withdraw(one->second.item);
    given_up.push_back(one->first);
  }
  for (int id : given_up) under_way_.erase(id);
  return given_up;
}

// Of what was withdrawn, as it turned out otherwise than assumed, some may be wanted all the same.
void TuningSession::KeepPlanned(std::vector<int>* given_up) {
  std::map<std::string, Proposal> plan;
  for (Proposal& proposal : strategy_->Propose(history_, 2 * static_cast<int>(given_up->size()) + 2))
    plan.emplace(KeyOf(proposal.item), std::move(proposal));
  std::erase_if(*given_up, [&](int id) {
    UnderWay& one = under_way_.at(id);
    auto planned = plan.find(KeyOf(one.item));
    if (one.closest || planned == plan.end()) return false;
    history_.Begin(one.item);
    one.assuming = planned->second.assuming;
    return true;
  });
}

const Trial* TuningSession::Closest(bool accepted) const {
  const AccuracyGoals& goals = history_.problem().goals;
  const Trial* closest = nullptr;
  for (const Trial& trial : history_.trials()) {
    if (!trial.result || trial.failed() || trial.accepted != accepted) continue;
    if (accepted && history_.FindModel(trial.config) != nullptr) continue;
    if (closest == nullptr || goals.Margin(trial.result->values) > goals.Margin(closest->result->values)) closest = &trial;
  }
  return closest;
}

std::vector<const Trial*> TuningSession::ClosestEstimates() const {
  if (history_.best() != nullptr) return {};
  const AccuracyGoals& goals = history_.problem().goals;
  std::vector<const Trial*> closest;
  for (const Trial& trial : history_.trials())
    if (trial.result && !trial.failed() && !trial.accepted) closest.push_back(&trial);
  std::stable_sort(closest.begin(), closest.end(),
                   [&](const Trial* a, const Trial* b) { return goals.Margin(a->result->values) > goals.Margin(b->result->values); });
  closest.erase(std::find_if(closest.begin(), closest.end(), [](const Trial* trial) { return !trial->result->stopped_early; }), closest.end());
  return closest;
}

std::vector<TuningItem> TuningSession::EvaluateClosest(int count) const {
  std::vector<TuningItem> items;
  int left = std::min(count, stop_.max_trials - history_.evaluations());
  for (const Trial* trial : ClosestEstimates()) {
    if (static_cast<int>(items.size()) >= left) break;
    items.push_back(EvaluateItem{trial->config, trial->label, true});
  }
  return items;
}

// What the strategy proposes, without what could not be better than the best.
std::vector<Proposal> TuningSession::Wanted(int count) {
  if (count <= 0) return {};
  for (int hopeless = 0; hopeless < kHopeless; ++hopeless) {
    std::vector<Proposal> wanted = strategy_->Propose(history_, count);
    std::erase_if(wanted, [&](const Proposal& proposal) { return history_.Knows(proposal.item); });
    bool any = !wanted.empty();
    std::erase_if(wanted, [&](const Proposal& proposal) { return Prune(proposal.item); });
    if (!wanted.empty() || !any) return wanted;
  }
  stopped_ = true;
  stopped_why_ = fmt::format("{} configurations in a row promised less than {:.0f} % more than the best", kHopeless,
                             100 * history_.problem().objective.least_gain);
  return {};
}

bool TuningSession::Prune(const TuningItem& item) {
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  const Trial* best = history_.best();
  if (evaluate == nullptr || best == nullptr || strategy_->times_models()) return false;
  const TuningProblem& problem = history_.problem();
  // Its size is not known before it is made; only speed is predicted, so other objectives are not pruned.
  if (problem.objective.size > 0 || problem.objective.memory > 0) return false;
  double speedup = PredictSpeedup(problem.space, history_.models(), evaluate->config);
  if (problem.objective.WorthMore(speedup, history_.FindModel(best->config)->speed.speedup)) return false;
  history_.Prune(*evaluate, fmt::format("{:.2f} times the speed of fp32 expected, the best so far has more", speedup));
  return true;
}

void TuningSession::Begin(UnderWay one, std::vector<TuningWork>* work) {
  int trial = history_.Begin(one.item);
  work->push_back({++last_id_, one.item, trial, NeedOf(one) != Need::kNow});
  under_way_.emplace(last_id_, std::move(one));
}

void TuningSession::Observe(int id, const TuningResult& result) {
  auto found = under_way_.find(id);
  NS_CHECK(found != under_way_.end(), "item {} is not under way", id);
  history_.End(found->second.item, result);
  under_way_.erase(found);
}

std::optional<int> TuningSession::best() const {
  const Trial* best = history_.best();
  return best == nullptr ? std::nullopt : std::optional(best->id);
}

std::optional<int> TuningSession::leader() const {
  if (auto best = this->best()) return best;
  if (!history_.models().empty()) return std::nullopt;
  for (const Trial& trial : history_.trials())
    if (trial.accepted) return trial.id;
  return std::nullopt;
}

std::optional<int> TuningSession::best_so_far() const {
  if (auto best = this->best()) return best;
  if (const Trial* untimed = Closest(true)) return untimed->id;
  bool float_is_best = std::any_of(history_.trials().begin(), history_.trials().end(), [](const Trial& trial) { return trial.accepted; });
  const Trial* closest = float_is_best ? nullptr : Closest();
  return closest == nullptr ? std::nullopt : std::optional(closest->id);
}

TuningAnswer TuningSession::answer() const {
  TuningAnswer answer;
  if (const Trial* best = history_.best()) {
    answer.trial = best->id;
    answer.goal_met = true;
    answer.reason = fmt::format("{} is the best that holds the accuracy", best->label);
  } else {
    answer = history_.problem().goals.BaselineHolds() ? AnswerForFloat() : AnswerForUnreachable();
  }
  for (const std::string& more : {strategy_->Explain(history_), stopped_why_})
    if (!more.empty()) answer.reason += "; " + more;
  return answer;
}

TuningAnswer TuningSession::AnswerForFloat() const {
  TuningAnswer answer{std::nullopt, true, "", ""};
  const AccuracyGoals& goals = history_.problem().goals;
  const Trial* fastest = nullptr;  // that holds the accuracy
  const Trial* closest = Closest();
  std::string failure;
  for (const Trial& trial : history_.trials()) {
    if (!trial.result || trial.pruned) continue;
    if (trial.failed()) {
      failure = trial.result->failure;
    } else if (trial.accepted) {
      const MeasuredModel* model = history_.FindModel(trial.config);
      if (model && (!fastest || history_.Gain(*model) > history_.Gain(*history_.FindModel(fastest->config)))) fastest = &trial;
    }
  }
  if (fastest != nullptr) {
    answer.reason = fmt::format(
        "no quantized model that holds the accuracy beats fp32; the fastest, {}, runs at {:.2f} times its speed",
        fastest->label, history_.FindModel(fastest->config)->speed.speedup);
  } else if (closest != nullptr) {
    answer.reason = fmt::format("no quantized model tried holds the accuracy; the closest, {}: {}", closest->label,
                                goals.Explain(closest->result->values));
    double factor = 1 - goals.Margin(closest->result->values);
    answer.advice = factor <= kNear ? fmt::format("a tolerable loss of {:.2g} times the one asked for would take {}", factor, closest->label)
                                    : "training the model for quantization; nothing that was tried comes near";
  } else if (!failure.empty()) {
    answer.reason = "no quantized model could be made: " + failure;
  } else if (!stopped_why_.empty()) {
    answer.reason = "no quantized model was tried";
  } else {
    bool limited = !history_.problem().space.operators.empty() && !history_.problem().space.Quantizes();
    answer.reason = limited ? "what was asked for leaves every operator in float" : "nothing in the model can be quantized";
  }
  return answer;
}

// The criterion asks for more than fp32 has: the quantized model that passes by luck, else whatever comes closest.
TuningAnswer TuningSession::AnswerForUnreachable() const {
  const AccuracyGoals& goals = history_.problem().goals;
  std::vector<double> best_values = goals.baseline();
  TuningAnswer answer;
  for (const Trial& trial : history_.trials()) {
    if (!trial.result || trial.failed() || trial.result->stopped_early) continue;
    if (goals.Margin(trial.result->values) < goals.Margin(best_values)) continue;
    best_values = trial.result->values;
    answer.trial = trial.id;
    answer.goal_met = trial.accepted;
  }
  answer.reason = fmt::format("fp32 itself does not hold what is asked for; the closest is {}: {}",
                              answer.trial ? history_.trial(*answer.trial).label : "fp32", goals.Explain(best_values));
  if (!answer.goal_met) answer.advice = "no precision gives what the model does not have in fp32: ask for at most the baseline, or train it further";
  return answer;
}

}  // namespace ns
