// How much accuracy a user gives away for speed.
#pragma once

#include <string>

#include "base/status.h"

namespace ns {

enum class CriterionKind {
  kRelative,  // tolerable_loss is a fraction of the baseline's value
  kAbsolute,  // tolerable_loss is in the metric's own unit
};
Result<CriterionKind> CriterionKindByName(
    std::string_view name);  // "relative", "absolute"; InvalidArgument (UNKNOWN_CRITERION)
std::string_view CriterionKindName(CriterionKind kind);

struct AccuracyCriterion {
  CriterionKind kind = CriterionKind::kRelative;
  double tolerable_loss = 0.01;  // below zero: the result must be better than the baseline by as much
  bool higher_is_better = true;  // the metric's sense

  // What is lost from `baseline` to `value`, positive when worse, in the criterion's own unit. Relative: the difference
  // over |baseline|; with a baseline of 0, 0 for no loss and infinity for any.
  double Loss(double baseline, double value) const;

  // What is left of the tolerable loss; below zero: `value` is rejected. NaN when `value` is NaN.
  double Margin(double baseline, double value) const;

  // True when Margin() is at least -1e-9 (so that 0.891 holds 0.9 less 1 % in spite of rounding). A NaN or infinite
  // `value` never passes.
  bool Accepts(double baseline, double value) const;

  // The worst value that passes.
  double Limit(double baseline) const;

  // "0.8915 holds the limit 0.8910 (0.9000 less 1 %)", "0.8000 misses the limit 0.8910 (0.9000 less 1 %) by 0.0910".
  std::string Explain(double baseline, double value) const;

  bool operator==(const AccuracyCriterion&) const = default;
};

}  // namespace ns
