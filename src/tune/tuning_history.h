// All that tuning has asked for and learnt so far. Strategies read it; nothing else decides what they propose, so the same
// history gives the same proposals, whatever order the results came in.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tune/accuracy_goals.h"
#include "tune/latency_model.h"
#include "tune/objective.h"
#include "tune/tuning_item.h"
#include "tune/tuning_space.h"

namespace ns {

struct Trial {
  int id = 0;  // counts from 1 in the order of proposal
  std::string label;
  QuantConfig config;
  std::optional<EvaluateResult> result;  // none: under way
  bool accepted = false;                 // evaluated on all rows, and holds the accuracy
  bool pruned = false;                   // never evaluated: it could not be better than the best; its result says so
  bool withdrawn = false;                // not under way, nor evaluated: as if it had never been asked for

  bool failed() const { return result && !result->failure.empty(); }
};

// What stays the same for the whole session.
struct TuningProblem {
  TuningSpace space;
  AccuracyGoals goals;
  Objective objective;
  MeasuredModel float_model;  // its speed is 1
  uint64_t seed = 0;
  bool try_static = true, try_dynamic = true;  // what the request's approach allows
};

class TuningHistory {
 public:
  explicit TuningHistory(TuningProblem problem) : problem_(std::move(problem)) {}

  const TuningProblem& problem() const { return problem_; }
  const std::vector<Trial>& trials() const { return trials_; }
  const Trial& trial(int id) const;  // NS_CHECK: there is one

  // The trial of this configuration, evaluated or under way; null: never asked for.
  const Trial* Find(const QuantConfig& config) const { return FindByText(Canonical(config)); }
  // `config` in its one text form.
  const Trial* FindByText(const std::string& config) const;
  // What was learnt; null: not known (yet).
  const ProbeResult* FindProbe(const QuantConfig& config) const;
  const RankResult* FindRank(const QuantConfig& config) const;
  const RankResult* FindErrors(const QuantConfig& config) const;  // of a rank without effects
  // How fast and big a model is; null: not timed. A model that could not be timed has a speed-up of 0.
  const MeasuredModel* FindModel(const QuantConfig& config) const;
  // All that were timed, in the order in which they were.
  const TimedModels& models() const { return timed_; }
  // True when this very item was begun and has not ended.
  bool UnderWay(const TuningItem& item) const { return under_way_.contains(KeyOf(item)); }
  bool idle() const { return under_way_.empty(); }
  // True when this item is under way or its result is known.
  bool Knows(const TuningItem& item) const;

  // The gain of a timed model over fp32, its point estimate.
  double Gain(const MeasuredModel& model) const { return problem_.objective.Gain(model, problem_.float_model).speedup; }
  // Of the accepted, timed trials that beat fp32 the one with the greatest gain, of equals the earlier; null: none.
  const Trial* best() const;

  // Begin() returns the trial's number for an evaluation, else 0. NS_CHECK: not known.
  int Begin(const TuningItem& item);
  void End(const TuningItem& item, const TuningResult& result);
  // Of what is under way: as if it had never been begun. A trial keeps its number for when it is begun again.
  void Withdraw(const TuningItem& item);
  // The evaluation is not worth its time: it is known from now on, with `why` as its failure.
  void Prune(const EvaluateItem& item, std::string why);
  int evaluations() const { return evaluations_; }  // begun; pruned and withdrawn ones don't count

 private:
  Trial& AddTrial(const EvaluateItem& item);

  TuningProblem problem_;
  std::vector<Trial> trials_;
  std::map<std::string, size_t> trial_of_;  // by Canonical(config)
  std::map<std::string, ProbeResult> probes_;
  std::map<std::string, RankResult> ranks_, errors_;
  std::map<std::string, size_t> model_of_;  // place in timed_
  TimedModels timed_;
  std::set<std::string> under_way_;  // KeyOf()
  int evaluations_ = 0;
};

}  // namespace ns
