#include <algorithm>
#include <cmath>

#include "worker/operator_shares.h"
#include "worker/optimize_run.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr size_t kRankRows = 16;
// What the table may take beside what tuning has measured already: a tenth of all, at least and at most so many seconds.
constexpr double kLeastSeconds = 2, kMostSeconds = 30;
constexpr double kOwn = 3.3;    // of the time that the pass over the values took, as measured on 40 products of 377 MB
constexpr double kPasses = 5;  // runs of fp32 that a row takes: values are watched, then each operator runs twice

}  // namespace

namespace {

// Whether they differ in single operators alone.
bool AlikeBesides(QuantConfig a, QuantConfig b) {
  a.operators = b.operators = {};
  a.defaults = b.defaults = {};
  return a == b;
}

}  // namespace

// The scores that tuning gave the operators hold for the answer where it treats an operator alike, or keeps it in float: then they say why.
void OptimizeRun::TakeScores(const TuningHistory& history, const Trial* answer) {
  auto tried = std::find_if(history.trials().begin(), history.trials().end(), [](const Trial& trial) { return trial.result && !trial.failed(); });
  if (answer == nullptr && tried != history.trials().end()) answer = &*tried;
  for (const SpaceOperator& op : history.problem().space.operators) figures_[op.name].float_latency_share = op.float_share;
  if (answer == nullptr) return;
  diagnosed_ = answer->config;
  for (const Trial& trial : history.trials()) {
    const RankResult* rank = history.FindRank(trial.config);
    if (rank == nullptr || !AlikeBesides(trial.config, *diagnosed_)) continue;
    for (const OperatorScore& score : rank->operators) {
      const OpConfig& treated = trial.config.Of(score.name);
      const OpConfig& now = diagnosed_->Of(score.name);
      if (now.mode != OpMode::kFloat && !(Effective(now) == Effective(treated))) continue;
      OperatorFigures& entry = figures_[score.name];
      if (std::isfinite(score.sqnr_db)) entry.sqnr_db = score.sqnr_db;
      if (std::isfinite(score.effect_db)) {
        entry.effect_db = score.effect_db;
        entry.effect_shared = score.effect_shared;
      }
      entry.measured = treated;
    }
  }
}

// Of about two seconds of runs, ten at most.
Result<std::map<std::string, double>> OptimizeRun::MeasureShares(const fs::path& model, std::span<const OperatorDecision> decisions) {
  double runs = 2000 / std::max(report_.optimized.latency_ms.median, 1e-3);
  size_t count = std::min(rows_.size(), static_cast<size_t>(std::clamp(runs, 1.0, 10.0)));
  NS_ASSIGN_OR_RETURN(Model packaged, Model::Load(model));
  NS_ASSIGN_OR_RETURN(auto nodes, ProfileNodes(packaged, TimedSession(latency_), std::span(rows_).first(count),
                                               model.parent_path(), context_.stop));
  return OperatorShares(nodes, decisions, prepared_->graph());
}

// What tuning has not measured of the operators, as far as there is time, or as an earlier run found it.
Status OptimizeRun::MeasureOperators(std::span<const OperatorDecision> decisions) {
  if (!data_ || !diagnosed_) return OkStatus();
  std::string key = "operators " + Canonical(*diagnosed_);
  auto text = cache_ ? cache_->Get(key) : std::nullopt;
  if (auto rows = text ? OperatorsFromJson(*text) : std::nullopt) {
    TakeRows(*rows, *diagnosed_, &figures_);
    return OkStatus();
  }
  const DataSet& data = *data_->evaluation;
  double until = OperatorsUntil();
  std::vector<int64_t> rows = SpreadRows(data_->split.evaluation, RowsUntil(until));
  auto operators = quantizer_->QuantizedOperators(*diagnosed_);
  auto known = [&](auto field) {
    return std::any_of(operators.begin(), operators.end(), [&](const OperatorDecision& op) { return (figures_[op.name].*field).has_value(); });
  };
  const double start = progress_.elapsed_seconds();
  NS_RETURN_IF_ERROR(MeasureValues(*quantizer_, *diagnosed_, data, rows, options_.threads, progress_, context_.stop, &figures_));
  const double own = kOwn * (progress_.elapsed_seconds() - start);
  if (!known(&OperatorFigures::sqnr_db) && (own < kLeastSeconds || progress_.elapsed_seconds() + own < until)) {
    NS_RETURN_IF_ERROR(MeasureOwn(*quantizer_, *diagnosed_, data, rows, options_.threads, progress_, context_.stop, &figures_));
  }
  bool complete = known(&OperatorFigures::effect_db);
  double whole_db = 0;
  if (!complete && progress_.elapsed_seconds() < until) {
    NS_ASSIGN_OR_RETURN(complete, MeasureEffects(*quantizer_, *diagnosed_, data, rows, options_.threads, until - progress_.elapsed_seconds(), progress_,
                                                 context_.stop, &figures_, &whole_db));
  }
  if (complete && cache_) cache_->Put(key, OperatorsToJson(OperatorRows(decisions, figures_)));
  return OkStatus();
}

// As many rows as leave half of the time to the effects.
size_t OptimizeRun::RowsUntil(double until) const {
  double row = kPasses * baseline_.seconds / static_cast<double>(std::max<int64_t>(baseline_.rows, 1));
  double rows = 0.5 * (until - progress_.elapsed_seconds()) / std::max(row, 1e-9);
  return static_cast<size_t>(std::clamp(rows, 1.0, static_cast<double>(kRankRows)));
}

// In seconds of the run.
double OptimizeRun::OperatorsUntil() const {
  double now = progress_.elapsed_seconds();
  double until = now + std::clamp(now / 10, kLeastSeconds, kMostSeconds);
  double timeout = options_.tuning.stop.timeout_seconds;
  return timeout > 0 ? std::min(until, timeout) : until;
}

Status OptimizeRun::ReportOperators(const fs::path& model) {
  if (!quantizer_) return OkStatus();
  progress_.Begin("package", 0.98, 1);
  if (!diagnosed_) diagnosed_ = config_;  // a recipe's
  const std::vector<OperatorDecision> decisions = quantized_ ? quantized_->decisions : quantizer_->Decisions(AllInFloat());
  auto note_unless_stopped = [&](const Status& status, std::string_view what) -> Status {
    if (status.ok() || status.code() == StatusCode::kCancelled) return status;
    // Ranges that came with a recipe or out of the cache are those of the whole: nothing can be said of operators alone.
    if (status.reason() == "NOT_CALIBRATED") return OkStatus();
    AddNote(fmt::format("{} are missing: {}", what, status.message()));
    return OkStatus();
  };
  NS_RETURN_IF_ERROR(note_unless_stopped(MeasureOperators(decisions), "some of the operators' figures"));
  auto shares = MeasureShares(model, decisions);
  NS_RETURN_IF_ERROR(note_unless_stopped(shares.status(), "the operators' shares of the latency"));
  for (const OperatorDecision& decision : decisions) {
    if (shares.ok()) figures_[decision.name].latency_share = shares->contains(decision.name) ? shares->at(decision.name) : 0;
  }
  report_.operators = OperatorRows(decisions, figures_);
  return OkStatus();
}

}  // namespace ns
