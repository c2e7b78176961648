// Lets a strategy be written as one plain procedure that asks questions: answers come from the history, and the first question
// without one ends the procedure, which is run again from its start when more is known. Running it costs microseconds,
// an answer seconds.
//
// To keep several workers busy, an evaluation that is not known may be assumed to go either way, and the procedure then asks
// what it would want to know next.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tune/strategy.h"

namespace ns {

class Inquiry {
 public:
  using Assumptions = std::map<std::string, bool>;  // Canonical(config) -> holds the accuracy
  explicit Inquiry(const TuningHistory& history, Assumptions assumed = {})
      : history_(history), assumed_(std::move(assumed)) {}

  const TuningHistory& history() const { return history_; }

  // The calls below return Unavailable (NOT_KNOWN) when the answer isn't known; what is missing is then in wanted().

  // Whether the model holds the accuracy on all rows. False for one that cannot be made or run.
  Result<bool> Holds(const QuantConfig& config, const std::string& label);
  // SQNR in dB of the models' outputs over a few rows, in the order given; -infinity where it could not be measured.
  Result<std::vector<double>> OutputSqnr(const std::vector<QuantConfig>& configs);
  Result<double> OutputSqnr(const QuantConfig& config);
  // Scores of the quantized operators; empty where they could not be ranked.
  Result<std::vector<OperatorScore>> Rank(const QuantConfig& config);
  // The same without their effects on the outputs (NaN), for each configuration: cheap.
  Result<std::vector<std::vector<OperatorScore>>> Errors(const std::vector<QuantConfig>& configs);
  // Gain over fp32 of each model; 0 where it could not be timed. Those not known are timed side by side.
  Result<std::vector<double>> Gains(const std::vector<QuantConfig>& configs);

  // What the procedure waits for, all of it independent.
  const std::vector<TuningItem>& wanted() const { return wanted_; }

  // Runs the procedure, and where it waits for an evaluation also what follows from either outcome, until `count` items that are not under way are
  // found: first those that it needs whatever comes, also if that is only seen from both outcomes, then the likeliest.
  using Procedure = std::function<Status(Inquiry&)>;
  static std::vector<Proposal> Plan(const TuningHistory& history, int count, const Procedure& procedure);

 private:
  static Status NotKnown() { return Unavailable("not known yet", "NOT_KNOWN"); }

  static std::vector<TuningItem> WantedIf(const TuningHistory& history, Assumptions assumed, const Procedure& procedure);

  const TuningHistory& history_;
  Assumptions assumed_;
  std::vector<TuningItem> wanted_;
};

}  // namespace ns
