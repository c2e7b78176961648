#include "tune/tuning_item.h"

namespace ns {

namespace {

struct Key {
  std::string operator()(const EvaluateItem& item) const { return (item.in_full ? "evaluate in full " : "evaluate ") + Canonical(item.config); }
  std::string operator()(const ProbeItem& item) const { return "probe " + Canonical(item.config); }
  std::string operator()(const RankItem& item) const { return (item.effects ? "rank " : "errors ") + Canonical(item.config); }
  std::string operator()(const TimeItem& item) const {
    std::string key = "time";
    for (const QuantConfig& config : item.configs) key += " " + Canonical(config);
    return key;
  }
};

struct Failed {
  std::string why;
  TuningResult operator()(const EvaluateItem&) const { return EvaluateResult{.values = {}, .failure = why}; }
  TuningResult operator()(const ProbeItem&) const { return ProbeResult{.failure = why}; }
  TuningResult operator()(const RankItem&) const { return RankResult{.operators = {}, .failure = why}; }
  TuningResult operator()(const TimeItem&) const { return TimeResult{.models = {}, .failure = why}; }
};

}  // namespace

std::vector<QuantConfig> ConfigsOf(const TuningItem& item) {
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) return {evaluate->config};
  if (auto* probe = std::get_if<ProbeItem>(&item)) return {probe->config};
  if (auto* rank = std::get_if<RankItem>(&item)) return {rank->config};
  return std::get<TimeItem>(item).configs;
}

std::string KeyOf(const TuningItem& item) {
  return std::visit(Key{}, item);
}

TuningResult FailedResult(const TuningItem& item, std::string why) {
  return std::visit(Failed{std::move(why)}, item);
}

}  // namespace ns
