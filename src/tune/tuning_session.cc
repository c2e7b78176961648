#include "tune/tuning_session.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ns {

TuningSession::TuningSession(Options options) : options_(std::move(options)), repaired_(options_.starts.size(), false) {
  NS_CHECK(std::isfinite(options_.baseline), "baseline {}", options_.baseline);
}

const Trial& TuningSession::trial(int id) const {
  NS_CHECK(id >= 1 && static_cast<size_t>(id) <= trials_.size(), "no trial {}", id);
  return trials_[static_cast<size_t>(id) - 1];
}

bool TuningSession::ShouldStop(double elapsed_seconds) {
  std::string why;
  if (!options_.stop.Reached(static_cast<int>(trials_.size()), elapsed_seconds, &why)) return false;
  stopped_why_ = why;
  return true;
}

TuningAction TuningSession::Next(double elapsed_seconds) {
  NS_CHECK(waiting_ == Waiting::kNothing, "an observation is missing");
  for (;;) {
    switch (phase_) {
      case Phase::kStarts:
        if (trials_.size() < options_.starts.size() && !ShouldStop(elapsed_seconds)) return NextStart();
        phase_ = Phase::kTimeStarts;
        break;
      case Phase::kTimeStarts: {
        phase_ = Phase::kChooseRepair;
        std::vector<int> timed;
        for (const Trial& trial : trials_)
          if (trial.outcome.failure.empty() && (trial.accepted || stopped_why_.empty())) timed.push_back(trial.id);
        if (!timed.empty()) return NextTiming(std::move(timed));
        break;
      }
      case Phase::kChooseRepair: {
        auto start = ChooseRepair();
        if (!start || ShouldStop(elapsed_seconds)) {
          phase_ = Phase::kDone;
          break;
        }
        repairing_ = *start;
        repaired_[repairing_] = true;
        repaired_trial_.reset();
        phase_ = Phase::kBisect;
        waiting_ = Waiting::kRanking;
        return RankConfig{options_.starts[repairing_].config};
      }
      case Phase::kBisect:
        if (passes_ - fails_ > 1 && !ShouldStop(elapsed_seconds)) return NextProbe();
        phase_ = Phase::kTimeRepair;
        break;
      case Phase::kTimeRepair:
        phase_ = Phase::kChooseRepair;
        if (repaired_trial_) return NextTiming({*repaired_trial_});
        break;
      case Phase::kDone:
        return Done{};
    }
  }
}

TuningAction TuningSession::NextStart() {
  size_t start = trials_.size();
  return Evaluate(start, options_.starts[start].config, 0);
}

TuningAction TuningSession::NextTiming(std::vector<int> trials) {
  timing_ = trials;
  waiting_ = Waiting::kTiming;
  return TimeTrials{std::move(trials)};
}

TuningAction TuningSession::Evaluate(size_t start, QuantConfig config, int kept_float) {
  Trial trial;
  trial.id = static_cast<int>(trials_.size()) + 1;
  trial.label = options_.starts[start].label;
  if (kept_float > 0) trial.label += fmt::format(", {} operator{} in float", kept_float, kept_float == 1 ? "" : "s");
  trial.config = config;
  trial.start = start;
  trial.kept_float = kept_float;
  trials_.push_back(trial);
  waiting_ = Waiting::kEvaluation;
  return EvaluateTrial{trial.id, trial.label, std::move(config)};
}

void TuningSession::ObserveEvaluation(const TrialOutcome& outcome) {
  NS_CHECK(waiting_ == Waiting::kEvaluation);
  waiting_ = Waiting::kNothing;
  Trial& trial = trials_.back();
  trial.outcome = outcome;
  trial.accepted = outcome.failure.empty() && options_.criterion.Accepts(options_.baseline, outcome.value);
  if (phase_ != Phase::kBisect) return;
  if (trial.accepted) {
    passes_ = trial.kept_float;
    repaired_trial_ = trial.id;
  } else {
    fails_ = trial.kept_float;
  }
}

void TuningSession::ObserveTiming(const std::vector<MeasuredSpeed>& speeds) {
  NS_CHECK(waiting_ == Waiting::kTiming && speeds.size() == timing_.size());
  waiting_ = Waiting::kNothing;
  for (size_t i = 0; i < speeds.size(); ++i) trials_[static_cast<size_t>(timing_[i]) - 1].speed = speeds[i];
  UpdateBest();
}

void TuningSession::UpdateBest() {
  for (const Trial& trial : trials_) {
    if (!trial.accepted || !trial.speed) continue;
    if (!options_.objective.BeatsFloat(*trial.speed, trial.outcome.size_bytes, options_.float_size_bytes)) continue;
    if (!best_ || trial.speed->speedup > this->trial(*best_).speed->speedup) best_ = trial.id;
  }
}

std::optional<int> TuningSession::leader() const {
  if (best_) return best_;
  for (const Trial& trial : trials_)
    if (trial.speed) return std::nullopt;
  for (const Trial& trial : trials_)
    if (trial.accepted) return trial.id;
  return std::nullopt;
}

bool TuningSession::WorthRepair(const Trial& failed) const {
  if (failed.accepted || !failed.outcome.failure.empty() || !failed.speed) return false;
  if (best_) return options_.objective.WorthRepair(failed.speed->speedup, trial(*best_).speed->speedup);
  return options_.objective.BeatsFloat(*failed.speed, failed.outcome.size_bytes, options_.float_size_bytes);
}

std::optional<size_t> TuningSession::ChooseRepair() const {
  if (!options_.criterion.Accepts(options_.baseline, options_.baseline))
    return std::nullopt;  // floating back can't reach the goal
  std::optional<size_t> chosen;
  double least_loss = 0;
  for (size_t start = 0; start < options_.starts.size() && start < trials_.size(); ++start) {
    if (repaired_[start] || !WorthRepair(trials_[start])) continue;
    double loss = options_.criterion.Loss(options_.baseline, trials_[start].outcome.value);
    // A value that is no number counts as the greatest loss.
    if (std::isnan(loss)) loss = std::numeric_limits<double>::infinity();
    if (!chosen || loss < least_loss) {
      chosen = start;
      least_loss = loss;
    }
  }
  return chosen;
}

void TuningSession::ObserveRanking(std::vector<RankedOperator> most_harmful_first) {
  NS_CHECK(waiting_ == Waiting::kRanking);
  waiting_ = Waiting::kNothing;
  ranking_ = std::move(most_harmful_first);
  fails_ = 0;
  // All of them in float is as good as the fp32 model, which passes; it need not be evaluated.
  passes_ = static_cast<int>(ranking_.size());
}

// Where few operators do most of the harm, they alone are the likely answer: the least count that makes up 90 % of the
// noise.
int TuningSession::FirstProbe() const {
  double total = 0;
  for (const RankedOperator& op : ranking_) total += std::pow(10, -op.sqnr_db / 10);
  double sum = 0;
  int count = 0;
  for (const RankedOperator& op : ranking_) {
    sum += std::pow(10, -op.sqnr_db / 10);
    ++count;
    if (sum >= 0.9 * total) break;
  }
  bool inside = count > 0 && count < static_cast<int>(ranking_.size());
  return inside ? count : static_cast<int>(ranking_.size()) / 2;
}

TuningAction TuningSession::NextProbe() {
  bool first = fails_ == 0 && passes_ == static_cast<int>(ranking_.size());
  int count = first ? FirstProbe() : fails_ + (passes_ - fails_) / 2;
  return Evaluate(repairing_, KeepMostHarmfulInFloat(count), count);
}

QuantConfig TuningSession::KeepMostHarmfulInFloat(int count) const {
  QuantConfig config = options_.starts[repairing_].config;
  for (int i = 0; i < count; ++i) config.SetMode(ranking_[static_cast<size_t>(i)].name, OpMode::kFloat);
  return config;
}

TuningAnswer TuningSession::answer() const {
  if (best_) {
    const Trial& trial = this->trial(*best_);
    std::string reason = fmt::format("{} is the fastest that holds the accuracy", trial.label);
    if (!stopped_why_.empty()) reason += "; " + stopped_why_;
    return {best_, true, reason};
  }
  if (options_.criterion.Accepts(options_.baseline, options_.baseline)) return AnswerForFloat();
  return AnswerForUnreachable();
}

TuningAnswer TuningSession::AnswerForFloat() const {
  TuningAnswer answer{std::nullopt, true, ""};
  const Trial* fastest = nullptr;  // that holds the accuracy
  const Trial* closest = nullptr;  // of those that don't
  std::string failure;
  for (const Trial& trial : trials_) {
    if (!trial.outcome.failure.empty()) {
      failure = trial.outcome.failure;
    } else if (trial.accepted) {
      if (trial.speed && (fastest == nullptr || trial.speed->speedup > fastest->speed->speedup)) fastest = &trial;
    } else if (closest == nullptr || options_.criterion.Margin(options_.baseline, trial.outcome.value) >
                                         options_.criterion.Margin(options_.baseline, closest->outcome.value)) {
      closest = &trial;
    }
  }
  if (fastest != nullptr) {
    answer.reason = fmt::format(
        "no quantized model that holds the accuracy beats fp32; the fastest, {}, runs at {:.2f} times its speed",
        fastest->label, fastest->speed->speedup);
  } else if (closest != nullptr) {
    answer.reason = fmt::format("no quantized model tried holds the accuracy; the closest, {}: {}", closest->label,
                                options_.criterion.Explain(options_.baseline, closest->outcome.value));
    if (closest->speed && !WorthRepair(*closest) && closest->kept_float == 0) {
      answer.reason +=
          fmt::format("; at {:.2f} times the speed of fp32 it is not worth repairing", closest->speed->speedup);
    }
  } else if (!failure.empty()) {
    answer.reason = "no quantized model could be made: " + failure;
  } else {
    answer.reason = stopped_why_.empty() ? "nothing in the model can be quantized" : "no quantized model was tried";
  }
  if (!stopped_why_.empty()) answer.reason += "; " + stopped_why_;
  return answer;
}

// The criterion asks for more than fp32 has: the quantized model that passes by luck, else whatever comes closest.
TuningAnswer TuningSession::AnswerForUnreachable() const {
  double best_value = options_.baseline;
  TuningAnswer answer;
  for (const Trial& trial : trials_) {
    if (!trial.outcome.failure.empty() || !std::isfinite(trial.outcome.value)) continue;
    if (options_.criterion.Margin(options_.baseline, trial.outcome.value) <
        options_.criterion.Margin(options_.baseline, best_value))
      continue;
    best_value = trial.outcome.value;
    answer.trial = trial.id;
    answer.goal_met = trial.accepted;
  }
  answer.reason = fmt::format("fp32 itself does not hold what is asked for; the closest is {}: {}",
                              answer.trial ? trial(*answer.trial).label : "fp32",
                              options_.criterion.Explain(options_.baseline, best_value));
  if (!stopped_why_.empty()) answer.reason += "; " + stopped_why_;
  return answer;
}

}  // namespace ns
