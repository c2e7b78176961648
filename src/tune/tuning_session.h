// The search for the best model that holds the accuracy, as a pure state machine: it is asked for work and told what came of
// it. No clock, no threads, no I/O: the same history and the same times give the same work.
//
//   NS_ASSIGN_OR_RETURN(TuningSession session, TuningSession::Create(options));
//   while (true) {
//     for (int id : session.GiveUp()) ... nobody need do it any more ...
//     auto work = session.Next(budget, idle_workers);
//     if (work.empty() && session.idle()) break;
//     ... do it, in any order, then session.Observe(item.id, what came of it) ...
//   }
//   session.answer();                                    // always there
//
// It keeps the budget, has what holds the accuracy timed, and ends when its strategy does, when the budget is used up, or
// when nothing that the strategy proposes could be better than the best by what it is likely to save (latency_model.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tune/stop_condition.h"
#include "tune/strategy.h"
#include "tune/tuning_history.h"

namespace ns {

struct TuningWork {
  int id = 0;  // for Observe()
  TuningItem item;
  int trial = 0;  // of an evaluation: its number
  bool ahead = false;  // begun ahead of its time: what is needed comes first
};

struct TuningBudget {
  double elapsed_seconds = 0;     // since the start of the task, with what must still be done afterwards
  double evaluation_seconds = 0;  // that an evaluation is expected to take
};

struct TuningAnswer {
  std::optional<int> trial;  // none: the fp32 model
  bool goal_met = false;     // the answer's values hold the accuracy
  std::string reason;        // a sentence without its full stop
  std::string advice;        // where no quantized model holds the accuracy: what would help; else empty
};

class TuningSession {
 public:
  struct Options {
    TuningProblem problem;
    StopCondition stop;
    std::string strategy = "auto";
    bool stop_at_goal = false;  // end with the first model that holds the accuracy and beats fp32
  };
  // InvalidArgument (UNKNOWN_STRATEGY).
  static Result<TuningSession> Create(Options options);

  // At most `count` items to do now, and so many more that are needed as there are items under way that were begun ahead of their time, which can
  // wait. None: wait for what is under way, or, when idle(), tuning has ended. An evaluation is not begun when it is not expected to end in time. After the stop condition was reached models that hold the accuracy are still
  // to be timed, then there is nothing more.
  std::vector<TuningWork> Next(const TuningBudget& budget, int count);
  // Of an item that Next() gave and that was not observed yet (NS_CHECK).
  void Observe(int id, const TuningResult& result);
  bool idle() const { return history_.idle(); }
  // Begun ahead of its time, and what it was begun for has not turned out yet.
  bool ahead(int id) const { return NeedOf(under_way_.at(id)) != Need::kNow; }
  // What was begun ahead of its time and is of no use now: forgotten as if it had never been begun. Ask after each Observe(), and after each Next().
  std::vector<int> GiveUp();

  const TuningHistory& history() const { return history_; }
  // The best so far that holds the accuracy and beats fp32; none: fp32.
  std::optional<int> best() const;
  // The trial to show as the leading one: best(); before the first timing the first that holds the accuracy, after it
  // none where none beats fp32.
  std::optional<int> leader() const;
  // What a stop hands out: best(); where nothing is known to beat fp32 the model that holds the accuracy with the most to spare and was not timed yet; where
  // none holds it the one that comes closest. None: nothing was evaluated, or fp32 is better than all that hold the accuracy.
  std::optional<int> best_so_far() const;
  // What to hand out at the end; may be asked at any time.
  TuningAnswer answer() const;

 private:
  TuningSession(Options options, std::unique_ptr<Strategy> strategy);

  struct UnderWay {
    TuningItem item;
    std::map<std::string, bool> assuming = {};  // as the strategy proposed it
    bool closest = false;                       // of EvaluateClosest()
  };
  enum class Need { kNow, kAhead, kNoMore };
  Need NeedOf(const UnderWay& one) const;
  int CountAhead(bool evaluations) const;
  void KeepPlanned(std::vector<int>* given_up);
  bool ShouldStop(const TuningBudget& budget);
  // Where nothing that is better than fp32 holds the accuracy: by how much the closest misses it, if that is an estimate; with several workers of
  // those that come behind it, too, for it may turn out to be further away.
  std::vector<TuningItem> EvaluateClosest(int count) const;
  std::vector<const Trial*> ClosestEstimates() const;
  // Timing of what holds the accuracy and was not timed yet.
  std::optional<TuningItem> TimeAccepted() const;
  std::vector<Proposal> Wanted(int count);
  bool Prune(const TuningItem& item);
  void Begin(UnderWay one, std::vector<TuningWork>* work);
  // The evaluated trial with the best values: of those that hold the accuracy and were not timed, or of those that don't.
  const Trial* Closest(bool accepted = false) const;
  TuningAnswer AnswerForFloat() const;
  TuningAnswer AnswerForUnreachable() const;

  StopCondition stop_;
  bool stop_at_goal_ = false;
  std::unique_ptr<Strategy> strategy_;
  TuningHistory history_;
  std::map<int, UnderWay> under_way_;
  int last_id_ = 0;
  bool stopped_ = false;
  std::string stopped_why_;  // why the budget, the goal or hopelessness ended it; empty: the strategy did
};

}  // namespace ns
