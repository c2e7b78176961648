// `mse`: the stages of `basic` (staged_search.h), operators given up by the error of their own output, relative to its power, beside
// fp32's (a mean squared error, as the name says). It costs less to measure than an effect on the model's outputs and says less.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Mse final : public Strategy {
 public:
  std::string_view name() const override { return "mse"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
};

}  // namespace ns
