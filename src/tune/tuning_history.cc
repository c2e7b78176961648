#include "tune/tuning_history.h"

namespace ns {

namespace {

template <typename Map>
auto* FindIn(const Map& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

const Trial& TuningHistory::trial(int id) const {
  NS_CHECK(id >= 1 && static_cast<size_t>(id) <= trials_.size(), "no trial {}", id);
  return trials_[static_cast<size_t>(id) - 1];
}

const Trial* TuningHistory::FindByText(const std::string& config) const {
  const size_t* index = FindIn(trial_of_, config);
  return index == nullptr || trials_[*index].withdrawn ? nullptr : &trials_[*index];
}

const ProbeResult* TuningHistory::FindProbe(const QuantConfig& config) const { return FindIn(probes_, Canonical(config)); }
const RankResult* TuningHistory::FindRank(const QuantConfig& config) const { return FindIn(ranks_, Canonical(config)); }
const RankResult* TuningHistory::FindErrors(const QuantConfig& config) const { return FindIn(errors_, Canonical(config)); }

const MeasuredModel* TuningHistory::FindModel(const QuantConfig& config) const {
  const size_t* index = FindIn(model_of_, Canonical(config));
  return index == nullptr ? nullptr : &timed_[*index].second;
}

bool TuningHistory::Knows(const TuningItem& item) const {
  if (UnderWay(item)) return true;
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) {
    const Trial* trial = Find(evaluate->config);
    return trial != nullptr && !(evaluate->in_full && trial->result && trial->result->stopped_early);
  }
  if (auto* probe = std::get_if<ProbeItem>(&item)) return FindProbe(probe->config) != nullptr;
  if (auto* rank = std::get_if<RankItem>(&item)) return (rank->effects ? FindRank(rank->config) : FindErrors(rank->config)) != nullptr;
  for (const QuantConfig& config : std::get<TimeItem>(item).configs)
    if (FindModel(config) == nullptr) return false;
  return true;
}

const Trial* TuningHistory::best() const {
  const Trial* best = nullptr;
  double best_gain = 0;
  for (const Trial& trial : trials_) {
    if (!trial.accepted) continue;
    const MeasuredModel* model = FindModel(trial.config);
    if (model == nullptr || !problem_.objective.BeatsFloat(*model, problem_.float_model)) continue;
    if (best == nullptr || Gain(*model) > best_gain) {
      best = &trial;
      best_gain = Gain(*model);
    }
  }
  return best;
}

Trial& TuningHistory::AddTrial(const EvaluateItem& item) {
  if (const size_t* index = FindIn(trial_of_, Canonical(item.config))) {
    trials_[*index].withdrawn = false;
    return trials_[*index];
  }
  Trial trial;
  trial.id = static_cast<int>(trials_.size()) + 1;
  trial.label = item.label;
  trial.config = item.config;
  trial_of_.emplace(Canonical(item.config), trials_.size());
  trials_.push_back(std::move(trial));
  return trials_.back();
}

int TuningHistory::Begin(const TuningItem& item) {
  NS_CHECK(!Knows(item), "asked for twice: {}", KeyOf(item));
  under_way_.insert(KeyOf(item));
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  if (evaluate == nullptr) return 0;
  ++evaluations_;
  const Trial* again = Find(evaluate->config);
  return again != nullptr ? again->id : AddTrial(*evaluate).id;
}

void TuningHistory::Prune(const EvaluateItem& item, std::string why) {
  NS_CHECK(!Knows(item), "asked for twice: {}", KeyOf(item));
  Trial& trial = AddTrial(item);
  trial.pruned = true;
  trial.result = EvaluateResult{.values = {}, .failure = std::move(why)};
}

void TuningHistory::Withdraw(const TuningItem& item) {
  NS_CHECK(under_way_.erase(KeyOf(item)) == 1, "not under way: {}", KeyOf(item));
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  if (evaluate == nullptr) return;
  --evaluations_;
  Trial& trial = trials_[trial_of_.at(Canonical(evaluate->config))];
  trial.withdrawn = !trial.result;
}

void TuningHistory::End(const TuningItem& item, const TuningResult& result) {
  NS_CHECK(under_way_.erase(KeyOf(item)) == 1, "not under way: {}", KeyOf(item));
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) {
    Trial& trial = trials_[trial_of_.at(Canonical(evaluate->config))];
    trial.result = std::get<EvaluateResult>(result);
    trial.accepted = !trial.failed() && !trial.result->stopped_early && problem_.goals.Accepts(trial.result->values);
  } else if (auto* probe = std::get_if<ProbeItem>(&item)) {
    probes_.insert_or_assign(Canonical(probe->config), std::get<ProbeResult>(result));
  } else if (auto* rank = std::get_if<RankItem>(&item)) {
    (rank->effects ? ranks_ : errors_).insert_or_assign(Canonical(rank->config), std::get<RankResult>(result));
  } else {
    const auto& configs = std::get<TimeItem>(item).configs;
    const auto& time = std::get<TimeResult>(result);
    NS_CHECK(!time.failure.empty() || time.models.size() == configs.size());
    for (size_t i = 0; i < configs.size(); ++i) {
      MeasuredModel none{{0, 0, 0}, 0, 0};
      auto [place, added] = model_of_.emplace(Canonical(configs[i]), timed_.size());
      if (added) timed_.emplace_back(configs[i], none);
      if (time.failure.empty()) timed_[place->second].second = time.models[i];
    }
  }
}

}  // namespace ns
