// The search for the fastest model that holds the accuracy, as a pure state machine: it proposes one action at a time
// and is told what came of it. No clock, no threads, no I/O: the same history gives the same proposals.
//
//   TuningSession session(options);                      // baseline's value and the starting points are known
//   for (;;) {
//     Action action = session.Next(elapsed_seconds);
//     ... do it, then session.Observe...(what came of it) ...
//     if (std::holds_alternative<Done>(action)) break;
//   }
//   session.answer();                                    // always there
//
// How it searches: each starting point (static, dynamic) is evaluated as it is, then all of them are timed beside fp32,
// those that lose too much included, since a failed one that is no faster than what is at hand need not be repaired. A
// failed one that is worth it is repaired, the one that loses least first: its operators are ranked by the harm they
// do, and bisection over the ranking finds how few of the most harmful must stay in float. Bisection takes the loss to
// fall as more operators stay in float; where it does not, it may end with more in float than needed, but what it
// accepts has been evaluated on all rows.
//
// A repair of n operators takes at most 1 + ceil(log2(n)) evaluations.
//
// Strategies that propose several configurations at once will live in strategies/ and keep this interface.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "quantize/config.h"
#include "tune/accuracy_criterion.h"
#include "tune/objective.h"
#include "tune/stop_condition.h"

namespace ns {

struct StartingPoint {
  std::string label;  // "static", for people
  QuantConfig config;
};

// Quantize with this configuration, evaluate on all rows. Then ObserveEvaluation().
struct EvaluateTrial {
  int trial = 0;      // counts from 1
  std::string label;  // "static, 3 operators in float"
  QuantConfig config;
};
// Order the quantized operators of this configuration by the harm they do. Then ObserveRanking().
struct RankConfig {
  QuantConfig config;
};
// Time these trials, interleaved with fp32. Then ObserveTiming().
struct TimeTrials {
  std::vector<int> trials;
};
struct Done {};
using TuningAction = std::variant<EvaluateTrial, RankConfig, TimeTrials, Done>;

// What came of a trial.
struct TrialOutcome {
  double value = 0;          // the metric over all evaluation rows
  uint64_t size_bytes = 0;   // of the model
  std::string failure = "";  // not empty: the model could not be made or run, why; the other fields mean nothing
};

struct RankedOperator {
  std::string name;
  double sqnr_db = 0;
};

struct Trial {
  int id = 0;
  std::string label;
  QuantConfig config;
  size_t start = 0;    // of which starting point it is a form
  int kept_float = 0;  // operators that bisection left in float
  TrialOutcome outcome;
  bool accepted = false;               // holds the accuracy
  std::optional<MeasuredSpeed> speed;  // where it was timed
};

struct TuningAnswer {
  std::optional<int> trial;  // none: the fp32 model
  bool goal_met = false;     // the answer's value holds the accuracy
  std::string reason;        // a sentence without its full stop
};

class TuningSession {
 public:
  struct Options {
    AccuracyCriterion criterion;
    StopCondition stop;
    Objective objective;
    double baseline = 0;  // fp32's value, finite
    uint64_t float_size_bytes = 0;
    std::vector<StartingPoint> starts;  // in the order in which they are tried; none: the answer is fp32
  };
  explicit TuningSession(Options options);

  // The next thing to do; `elapsed_seconds` since the start of tuning. Broken invariant (NS_CHECK) when the last
  // action's observation is still missing. After the stop condition was reached it still asks to time models that hold
  // the accuracy, then for nothing.
  TuningAction Next(double elapsed_seconds);

  void ObserveEvaluation(const TrialOutcome& outcome);
  // Most harmful first. Empty: nothing can be ranked, the repair is given up.
  void ObserveRanking(std::vector<RankedOperator> most_harmful_first);
  // One for each trial of the action, in its order.
  void ObserveTiming(const std::vector<MeasuredSpeed>& speeds);

  const std::vector<Trial>& trials() const { return trials_; }
  const Trial& trial(int id) const;
  // The best so far that holds the accuracy and beats fp32; none: fp32. May be asked at any time.
  std::optional<int> best() const { return best_; }
  // The trial to show as the leading one: best(); before the first timing the first that holds the accuracy, after it
  // none where none beats fp32.
  std::optional<int> leader() const;
  // What to hand out; may be asked at any time (a task that is cancelled keeps its best so far).
  TuningAnswer answer() const;

 private:
  enum class Phase { kStarts, kTimeStarts, kChooseRepair, kBisect, kTimeRepair, kDone };
  enum class Waiting { kNothing, kEvaluation, kRanking, kTiming };

  TuningAction NextStart();
  TuningAction NextTiming(std::vector<int> trials);
  std::optional<size_t> ChooseRepair() const;
  bool WorthRepair(const Trial& failed) const;
  TuningAction NextProbe();
  int FirstProbe() const;
  TuningAction Evaluate(size_t start, QuantConfig config, int kept_float);
  QuantConfig KeepMostHarmfulInFloat(int count) const;
  void UpdateBest();
  bool ShouldStop(double elapsed_seconds);
  TuningAnswer AnswerForFloat() const;
  TuningAnswer AnswerForUnreachable() const;

  Options options_;
  std::vector<Trial> trials_;
  std::optional<int> best_;
  Phase phase_ = Phase::kStarts;
  Waiting waiting_ = Waiting::kNothing;
  std::string stopped_why_;  // not empty: the stop condition ended it

  std::vector<int> timing_;     // trials of the timing under way
  std::vector<bool> repaired_;  // by starting point: tried, whatever came of it
  size_t repairing_ = 0;        // starting point
  std::vector<RankedOperator> ranking_;
  int fails_ = 0;                      // so many in float are not enough
  int passes_ = 0;                     // so many are
  std::optional<int> repaired_trial_;  // the passing one with the fewest in float
};

}  // namespace ns
