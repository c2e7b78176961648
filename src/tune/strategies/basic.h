// `basic`: the stages of staged_search.h, operators given up by the noise that each alone makes in the model's outputs.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Basic final : public Strategy {
 public:
  std::string_view name() const override { return "basic"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
};

}  // namespace ns
