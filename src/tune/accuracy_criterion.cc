#include "tune/accuracy_criterion.h"

#include <cmath>
#include <limits>

namespace ns {

namespace {
constexpr double kRounding = 1e-9;
}  // namespace

Result<CriterionKind> CriterionKindByName(std::string_view name) {
  if (name == "relative") return CriterionKind::kRelative;
  if (name == "absolute") return CriterionKind::kAbsolute;
  return InvalidArgument(fmt::format("unknown criterion '{}'; it is relative or absolute", name), "UNKNOWN_CRITERION");
}

std::string_view CriterionKindName(CriterionKind kind) {
  return kind == CriterionKind::kRelative ? "relative" : "absolute";
}

double AccuracyCriterion::Loss(double baseline, double value) const {
  double loss = higher_is_better ? baseline - value : value - baseline;
  if (kind == CriterionKind::kAbsolute || std::isnan(loss)) return loss;
  if (baseline != 0) return loss / std::abs(baseline);
  if (loss == 0) return 0;
  return std::copysign(std::numeric_limits<double>::infinity(), loss);
}

double AccuracyCriterion::Margin(double baseline, double value) const {
  return tolerable_loss - Loss(baseline, value);
}

bool AccuracyCriterion::Accepts(double baseline, double value) const {
  return std::isfinite(value) && Margin(baseline, value) >= -kRounding;
}

double AccuracyCriterion::Limit(double baseline) const {
  double loss = kind == CriterionKind::kRelative ? tolerable_loss * std::abs(baseline) : tolerable_loss;
  return higher_is_better ? baseline - loss : baseline + loss;
}

std::string AccuracyCriterion::Explain(double baseline, double value) const {
  std::string_view direction = (tolerable_loss >= 0) == higher_is_better ? "less" : "plus";
  std::string amount = kind == CriterionKind::kRelative ? fmt::format("{:g} %", std::abs(tolerable_loss) * 100)
                                                        : fmt::format("{:g}", std::abs(tolerable_loss));
  double limit = Limit(baseline);
  std::string of = fmt::format("the limit {:.4f} ({:.4f} {} {})", limit, baseline, direction, amount);
  if (Accepts(baseline, value)) return fmt::format("{:.4f} holds {}", value, of);
  if (!std::isfinite(value)) return fmt::format("{} misses {}", value, of);
  return fmt::format("{:.4f} misses {} by {:.4f}", value, of, std::abs(value - limit));
}

}  // namespace ns
