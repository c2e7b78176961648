#include "tune/strategies/inquiry.h"

#include <algorithm>
#include <limits>

namespace ns {

Result<bool> Inquiry::Holds(const QuantConfig& config, const std::string& label) {
  const Trial* trial = history_.Find(config);
  if (trial != nullptr && trial->result) return trial->accepted;
  auto assumed = assumed_.find(Canonical(config));
  if (assumed != assumed_.end()) return assumed->second;
  wanted_.push_back(EvaluateItem{config, label});
  return NotKnown();
}

Result<std::vector<double>> Inquiry::OutputSqnr(const std::vector<QuantConfig>& configs) {
  std::vector<double> found;
  for (const QuantConfig& config : configs) {
    const ProbeResult* probe = history_.FindProbe(config);
    if (probe == nullptr) {
      wanted_.push_back(ProbeItem{config});
    } else {
      found.push_back(probe->failure.empty() ? probe->output_sqnr_db : -std::numeric_limits<double>::infinity());
    }
  }
  if (found.size() < configs.size()) return NotKnown();
  return found;
}

Result<double> Inquiry::OutputSqnr(const QuantConfig& config) {
  NS_ASSIGN_OR_RETURN(auto all, OutputSqnr(std::vector{config}));
  return all[0];
}

Result<std::vector<OperatorScore>> Inquiry::Rank(const QuantConfig& config) {
  const RankResult* rank = history_.FindRank(config);
  if (rank != nullptr) return rank->operators;
  wanted_.push_back(RankItem{config});
  return NotKnown();
}

Result<std::vector<std::vector<OperatorScore>>> Inquiry::Errors(const std::vector<QuantConfig>& configs) {
  std::vector<std::vector<OperatorScore>> found;
  for (const QuantConfig& config : configs) {
    const RankResult* errors = history_.FindErrors(config);
    if (errors == nullptr) {
      wanted_.push_back(RankItem{config, false});
    } else {
      found.push_back(errors->operators);
    }
  }
  if (found.size() < configs.size()) return NotKnown();
  return found;
}

Result<std::vector<double>> Inquiry::Gains(const std::vector<QuantConfig>& configs) {
  TimeItem missing;
  std::vector<double> gains;
  for (const QuantConfig& config : configs) {
    const MeasuredModel* model = history_.FindModel(config);
    if (model == nullptr) {
      missing.configs.push_back(config);
    } else {
      gains.push_back(model->speed.speedup > 0 ? history_.Gain(*model) : 0);
    }
  }
  if (missing.configs.empty()) return gains;
  wanted_.push_back(std::move(missing));
  return NotKnown();
}

namespace {

bool Lists(const std::vector<TuningItem>& items, const TuningItem& item) {
  return std::any_of(items.begin(), items.end(), [&](const TuningItem& other) { return KeyOf(other) == KeyOf(item); });
}

// The evaluation for which alone a procedure waits; null: it waits for something else.
const EvaluateItem* OnlyEvaluation(const std::vector<TuningItem>& wanted) {
  return wanted.size() == 1 ? std::get_if<EvaluateItem>(&wanted[0]) : nullptr;
}

Inquiry::Assumptions With(Inquiry::Assumptions assumed, const EvaluateItem& evaluation, bool holds) {
  assumed[Canonical(evaluation.config)] = holds;
  return assumed;
}

}  // namespace

std::vector<TuningItem> Inquiry::WantedIf(const TuningHistory& history, Assumptions assumed, const Procedure& procedure) {
  Inquiry inquiry(history, std::move(assumed));
  return procedure(inquiry).ok() ? std::vector<TuningItem>() : inquiry.wanted_;
}

std::vector<Proposal> Inquiry::Plan(const TuningHistory& history, int count, const Procedure& procedure) {
  std::vector<Proposal> plan;
  auto add = [&](const TuningItem& item, const Assumptions& assuming) {
    bool listed = std::any_of(plan.begin(), plan.end(), [&](const Proposal& other) { return KeyOf(other.item) == KeyOf(item); });
    if (!listed && !history.Knows(item)) plan.push_back({item, assuming});
  };
  auto full = [&] { return static_cast<int>(plan.size()) >= count; };
  // Each branch that waits for one evaluation opens two more; a few are enough for all workers there can be.
  std::vector<Assumptions> branches = {{}};
  for (size_t next = 0; next < branches.size() && !full(); ++next) {
    std::vector<TuningItem> wanted = WantedIf(history, branches[next], procedure);
    // Timing needs the lead's cores alone: not on an assumption.
    for (const TuningItem& item : wanted)
      if (next == 0 || !std::holds_alternative<TimeItem>(item)) add(item, branches[next]);
    const EvaluateItem* evaluation = OnlyEvaluation(wanted);
    if (evaluation == nullptr || full() || static_cast<int>(branches.size()) >= 4 * count) continue;
    for (bool holds : {true, false}) branches.push_back(With(branches[next], *evaluation, holds));
    if (next > 0) continue;
    std::vector<TuningItem> otherwise = WantedIf(history, branches[2], procedure);
    for (const TuningItem& item : WantedIf(history, branches[1], procedure))
      if (Lists(otherwise, item)) add(item, {});
  }
  if (full()) plan.resize(static_cast<size_t>(std::max(count, 0)));
  return plan;
}

}  // namespace ns
