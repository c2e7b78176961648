// How the space is searched. A strategy is a pure function of the history: no clock, no threads, no I/O, no state of its
// own that the history could not give again. So a session that was lost goes on from its journal, and any number of
// workers may be busy for one.
//
// Each strategy is one file in strategies/, one line in strategies/registry.cc and one row in docs/tuning.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tune/tuning_history.h"

namespace ns {

struct Proposal {
  TuningItem item;
  // Configurations whose evaluation is not known yet, in their one text form, and whether they are taken to hold the accuracy: the item is proposed
  // ahead of its time, and is of use only if all turn out so. Empty: it is needed whatever comes.
  std::map<std::string, bool> assuming = {};
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  virtual std::string_view name() const = 0;

  // At most `count` items to do now, those that are needed first, then the most wanted, none of which the history knows. They are independent:
  // any of them may end first. None while something is under way: the strategy waits for that. None while nothing is: it has
  // ended. Must end for every history, and must never propose a configuration for evaluation twice.
  virtual std::vector<Proposal> Propose(const TuningHistory& history, int count) = 0;

  // True when it asks for the timing of its models itself. Else the session times every trial that holds the accuracy.
  virtual bool times_models() const { return false; }

  // What is remarkable about how it ended, a sentence without its full stop; empty: nothing.
  virtual std::string Explain(const TuningHistory&) const { return ""; }
};

// The table of strategies, by the names of KnownStrategies() in tasks/. InvalidArgument (UNKNOWN_STRATEGY).
Result<std::unique_ptr<Strategy>> MakeStrategy(std::string_view name);
// The table's names in its order.
std::vector<std::string> StrategyNames();

}  // namespace ns
