// A model for tests of the search: its accuracy, speed and noise are functions of the configuration.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tune/tuning_session.h"

namespace ns {

struct FakeModel {
  // Accuracy lost when an operator is quantized, by name; those not named lose nothing. fp32 has 0.9.
  std::map<std::string, double> harms = {};
  // Overrides the sum of harms where set.
  std::function<double(const QuantConfig&)> loss = {};
  std::function<RankResult(const RankItem&)> rank = {};  // in the place of the harms
  double full_speedup = 2;             // of all operators static; half as much of the gain in dynamic form
  double int4_speedup = 1;             // of all operators with their weights in 4 bits
  double seconds_per_evaluation = 1;
  bool stops_early = false;            // a failing evaluation ends early and says so

  double Loss(const TuningSpace& space, const QuantConfig& config) const;
  MeasuredModel Measure(const TuningSpace& space, const QuantConfig& config) const;
  TuningResult Do(const TuningHistory& history, const TuningItem& item) const;
};

// `count` operators "op0", "op1", ... that can be static, and dynamic where `dynamic`; equal shares of the run.
TuningSpace FakeSpace(int count, bool dynamic = true);
TuningSession::Options FakeOptions(int count, bool dynamic = true);

struct Played {
  std::vector<std::string> labels;  // of the evaluations, in order
  int probes = 0, ranks = 0, timings = 0;
  double elapsed_seconds = 0;
};

// Runs the session to its end with `workers` items at once, which end in an order drawn from `seed`. Fails the test when it
// does not end within 10,000 items.
Played Play(TuningSession& session, const FakeModel& model, int workers = 1, uint64_t seed = 0);

}  // namespace ns
