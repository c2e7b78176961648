#include "tune/testing/fake_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ns {

double FakeModel::Loss(const TuningSpace& space, const QuantConfig& config) const {
  if (loss) return loss(config);
  double sum = 0;
  for (const SpaceOperator& op : space.operators) {
    auto harm = harms.find(op.name);
    if (harm != harms.end() && config.Of(op.name).mode != OpMode::kFloat) sum += harm->second;
  }
  return sum;
}

MeasuredModel FakeModel::Measure(const TuningSpace& space, const QuantConfig& config) const {
  double saved = 0, size = 0;
  auto all = static_cast<double>(space.operators.size());
  for (const SpaceOperator& op : space.operators) {
    OpMode mode = config.Of(op.name).mode;
    double part = (1 - 1 / full_speedup) / all;
    if (mode == OpMode::kWeightOnlyInt4) saved += (1 - 1 / int4_speedup) / all;
    saved += mode == OpMode::kStatic ? part : mode == OpMode::kDynamic ? part / 2 : 0;
    size += (mode == OpMode::kFloat ? 100 : 25) / all;
  }
  double speedup = 1 / (1 - saved);
  return {{speedup, speedup * 0.98, speedup * 1.02}, static_cast<uint64_t>(size), 0};
}

TuningResult FakeModel::Do(const TuningHistory& history, const TuningItem& item) const {
  const TuningSpace& space = history.problem().space;
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) {
    double value = 0.9 - Loss(space, evaluate->config);
    bool early = stops_early && !evaluate->in_full && !history.problem().goals.Accepts(std::vector{value});
    return EvaluateResult{.values = {value},
                          .size_bytes = Measure(space, evaluate->config).size_bytes,
                          .seconds = seconds_per_evaluation,
                          .rows = early ? 10 : 100,
                          .stopped_early = early};
  }
  if (auto* probe = std::get_if<ProbeItem>(&item))
    return ProbeResult{.output_sqnr_db = -10 * std::log10(Loss(space, probe->config) + 1e-9)};
  if (auto* one = std::get_if<RankItem>(&item); one != nullptr && rank) return rank(*one);
  if (auto* ranked = std::get_if<RankItem>(&item)) {
    RankResult result;
    for (const SpaceOperator& op : space.operators) {
      if (ranked->config.Of(op.name).mode == OpMode::kFloat) continue;
      auto harm = harms.find(op.name);
      double db = -10 * std::log10((harm == harms.end() ? 0 : harm->second) + 1e-9);
      result.operators.push_back({op.name, db, std::nan(""), std::nan("")});
    }
    return result;
  }
  TimeResult result;
  for (const QuantConfig& config : std::get<TimeItem>(item).configs) result.models.push_back(Measure(space, config));
  return result;
}

TuningSpace FakeSpace(int count, bool dynamic) {
  TuningSpace space;
  for (int i = 0; i < count; ++i) {
    SpaceOperator op{fmt::format("op{}", i), "MatMul", "", {}, 1.0 / count};
    op.choices.push_back(OpConfig());
    if (dynamic) op.choices.push_back({.mode = OpMode::kDynamic});
    op.choices.push_back({.mode = OpMode::kFloat});
    space.operators.push_back(std::move(op));
  }
  return space;
}

TuningSession::Options FakeOptions(int count, bool dynamic) {
  TuningSession::Options options;
  options.problem.space = FakeSpace(count, dynamic);
  options.problem.goals = AccuracyGoals({{"accuracy", {}, 0.9}});  // 1 % of 0.9 may be lost
  options.problem.float_model = {{}, 100, 0};
  return options;
}

Played Play(TuningSession& session, const FakeModel& model, int workers, uint64_t seed) {
  Played played;
  std::mt19937_64 random(seed);
  std::vector<TuningWork> busy;
  for (int items = 0; items < 10'000; ++items) {
    for (int id : session.GiveUp()) std::erase_if(busy, [&](const TuningWork& work) { return work.id == id; });
    int idle = workers - static_cast<int>(busy.size());
    for (TuningWork& work : session.Next({played.elapsed_seconds, model.seconds_per_evaluation}, idle)) {
      if (auto* evaluate = std::get_if<EvaluateItem>(&work.item)) played.labels.push_back(evaluate->label);
      played.probes += std::holds_alternative<ProbeItem>(work.item) ? 1 : 0;
      played.ranks += std::holds_alternative<RankItem>(work.item) ? 1 : 0;
      played.timings += std::holds_alternative<TimeItem>(work.item) ? 1 : 0;
      busy.push_back(std::move(work));
    }
    if (busy.empty()) return played;
    size_t next = random() % busy.size();
    TuningWork done = std::move(busy[next]);
    busy.erase(busy.begin() + static_cast<std::ptrdiff_t>(next));
    if (std::holds_alternative<EvaluateItem>(done.item)) played.elapsed_seconds += model.seconds_per_evaluation;
    session.Observe(done.id, model.Do(session.history(), done.item));
  }
  ADD_FAILURE() << "did not end";
  return played;
}

}  // namespace ns
