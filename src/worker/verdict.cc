#include "worker/verdict.h"

#include <algorithm>
#include <map>

#include "tune/objective.h"

namespace ns {

namespace {

std::string SpeedText(const SpeedUp& speedup) {
  std::string interval = fmt::format("(95 % {:.2f} to {:.2f})", speedup.low, speedup.high);
  switch (Objective::CompareWithFloat({speedup.median, speedup.low, speedup.high})) {
    case SpeedVerdict::kFaster:
      return fmt::format("{:.2f} times as fast as fp32 {}", speedup.median, interval);
    case SpeedVerdict::kSlower:
      return fmt::format("slower than fp32: {:.2f} times its speed {}", speedup.median, interval);
    case SpeedVerdict::kSame:
      return fmt::format("not measurably faster than fp32: {:.2f} times its speed {}", speedup.median, interval);
  }
  return "";
}

std::string SizeText(uint64_t bytes, uint64_t float_bytes) {
  return float_bytes == 0
             ? ""
             : fmt::format("{:.2f} of its size", static_cast<double>(bytes) / static_cast<double>(float_bytes));
}

}  // namespace

std::string QuantizedLabel(const std::string& label) {
  std::string_view four_bits = OpModeName(OpMode::kWeightOnlyInt4);
  return label.starts_with(four_bits) ? "weight-only int4" + label.substr(four_bits.size()) : label + " int8";
}

std::string Verdict(const VerdictInput& input) {
  std::string accuracy = input.goals.Explain(input.values);
  bool goal_met = input.goals.Accepts(input.values);
  std::string start = goal_met ? "" : "Goal not met. ";
  std::string advice = input.advice.empty() ? "" : fmt::format(" What would help: {}.", input.advice);
  if (input.kept_float) return fmt::format("{}Kept fp32: {}; {}.{}", start, input.reason, accuracy, advice);
  std::string session = input.session.empty() ? "" : fmt::format(" Measured with these settings of ONNX Runtime, to be set where it runs: {}.", input.session);
  return fmt::format("{}{}: {}, {}; {}.{}{}", start, QuantizedLabel(input.label), SpeedText(input.speedup),
                     SizeText(input.optimized_bytes, input.float_bytes), accuracy, session, advice);
}

std::vector<std::string> WhyNotFaster(const std::vector<OperatorDecision>& decisions, double float_latency_ms,
                                      bool has_vnni) {
  std::vector<std::string> why;
  int quantized = 0;
  std::map<std::pair<std::string, std::string>, int> left;  // type, reason
  for (const OperatorDecision& decision : decisions) {
    if (decision.mode == OpMode::kFloat) {
      ++left[{decision.type, decision.why}];
    } else {
      ++quantized;
    }
  }
  if (!left.empty()) {
    std::vector<std::pair<int, std::string>> lines;
    for (const auto& [key, count] : left)
      lines.emplace_back(count, fmt::format("{} {} ({})", count, key.first, key.second));
    std::sort(lines.rbegin(), lines.rend());
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(lines.size(), 4); ++i) text += (i > 0 ? ", " : "") + lines[i].second;
    why.push_back(fmt::format("{} operators compute in int8, {} stayed in float: {}{}", quantized,
                              decisions.size() - static_cast<size_t>(quantized), text,
                              lines.size() > 4 ? ", ..." : ""));
  }
  if (!has_vnni) why.push_back("this processor has no VNNI, so int8 products take more instructions");
  if (float_latency_ms < 0.5) {
    why.push_back(
        fmt::format("a run takes {:.2f} ms: so small a model spends its time between operators, not in arithmetic",
                    float_latency_ms));
  }
  return why;
}

std::string IntervalNote(const AccuracyDifference& difference, const AccuracyCriterion& criterion, double baseline,
                         int64_t rows) {
  double limit = criterion.Limit(baseline) - baseline;
  if (difference.low >= limit || difference.high <= limit) return "";
  return fmt::format(
      "with {} rows the 95 % interval of the difference, {:+.4f} to {:+.4f}, crosses the limit {:+.4f}: more rows "
      "would "
      "tell",
      rows, difference.low, difference.high, limit);
}

}  // namespace ns
