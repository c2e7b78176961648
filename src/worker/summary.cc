#include "worker/summary.h"

#include "base/printable.h"
#include "worker/views/line_view.h"

namespace ns {

std::string BytesText(uint64_t bytes) {
  double value = static_cast<double>(bytes);
  if (value < 1e6) return fmt::format("{:.1f} kB", value / 1e3);
  if (value < 1e9) return fmt::format("{:.2f} MB", value / 1e6);
  return fmt::format("{:.2f} GB", value / 1e9);
}

namespace {

std::string Row(std::string_view name, const std::string& before, const std::string& after, const std::string& change) {
  return fmt::format("  {:<22}{:>12}{:>12}   {}\n", name, before, after, change);
}

std::string Ratio(double before, double after) {
  return after > 0 ? fmt::format("{:.2f} x smaller", before / after) : "";
}

std::string Metrics(const Report& report) {
  std::string text;
  for (const auto& [name, before] : report.baseline.metric) {
    auto after = report.optimized.metric.find(name);
    if (after == report.optimized.metric.end()) continue;
    const AccuracyDifference& difference = report.accuracy_difference;
    // Of the first metric asked for, and of no other.
    bool has_interval = report.goals.empty() || report.goals[0].metric == name;
    std::string interval = has_interval ? fmt::format(" (95 % {:+.4f} to {:+.4f})", difference.low, difference.high) : "";
    text += Row(name, fmt::format("{:.4f}", before), fmt::format("{:.4f}", after->second),
                fmt::format("{:+.4f}{}, {} rows", after->second - before, interval, report.evaluation_rows));
  }
  return text;
}

std::string Latency(const Report& report) {
  const LatencyFigures &before = report.baseline.latency_ms, &after = report.optimized.latency_ms;
  std::string faster = fmt::format("{:.2f} x faster (95 % {:.2f} to {:.2f}), {} thread{}", report.speedup.median, report.speedup.low, report.speedup.high,
                                   before.threads, before.threads == 1 ? "" : "s");
  return Row(fmt::format("latency, batch {}", before.batch), fmt::format("{:.3f} ms", before.median), fmt::format("{:.3f} ms", after.median), faster) +
         Row("latency, p95", fmt::format("{:.3f} ms", before.p95), fmt::format("{:.3f} ms", after.p95), "");
}

std::string Operators(const Report& report) {
  if (report.operators.empty()) return "";
  std::map<std::string, int> counts;
  for (const OperatorReport& op : report.operators) ++counts[op.decision];
  std::string text;
  for (const auto& [decision, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, decision);
  return fmt::format("  {:<22}{}\n", "operators", text);
}

std::string Elapsed(const Report& report) {
  std::string text;
  for (const auto& [stage, seconds] : report.elapsed_seconds)
    if (stage != "total" && seconds >= 0.05)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", stage, DurationText(seconds));
  auto total = report.elapsed_seconds.find("total");
  if (total != report.elapsed_seconds.end()) text = DurationText(total->second) + " (" + text + ")";
  return fmt::format("  {:<22}{}\n", "time taken", text);
}

}  // namespace

std::string SummaryText(const Report& report, const std::filesystem::path& output) {
  const ModelFigures& before = report.baseline;
  const ModelFigures& after = report.optimized;
  std::string text = fmt::format("\n  {:<22}{:>12}{:>12}\n", "", "fp32", "optimized");
  text += Metrics(report);
  text += Row("size", BytesText(before.size_bytes), BytesText(after.size_bytes),
              Ratio(static_cast<double>(before.size_bytes), static_cast<double>(after.size_bytes)));
  if (after.latency_ms.median > 0) text += Latency(report);
  if (before.peak_memory_bytes > 0 && after.peak_memory_bytes > 0) {
    text += Row("peak memory", BytesText(before.peak_memory_bytes), BytesText(after.peak_memory_bytes),
                Ratio(static_cast<double>(before.peak_memory_bytes), static_cast<double>(after.peak_memory_bytes)));
  }
  text += Operators(report) + Elapsed(report);
  text += "\n" + Printable(report.verdict) + "\n";
  for (const std::string& note : report.notes) text += "note: " + Printable(note) + "\n";
  if (!report.accuracy_difference.note.empty()) text += "note: " + report.accuracy_difference.note + "\n";
  return text + fmt::format("written to {}\n", output.string());
}

}  // namespace ns
