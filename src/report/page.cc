#include "report/page.h"

#include <fmt/format.h>

#include <cmath>

#include "report/markup.h"
#include "report/operator_section.h"
#include "report/trial_svg.h"

namespace ns {

std::string_view StyleFile(std::string_view name);

namespace {

std::string Cell(const std::string& text) { return "<td>" + EscapeMarkup(text) + "</td>"; }
std::string NumberCell(const std::string& text) { return "<td class=\"number\">" + EscapeMarkup(text) + "</td>"; }
std::string Bytes(uint64_t bytes) { return fmt::format("{:.2f} MB", static_cast<double>(bytes) / 1e6); }

std::string Metrics(const std::map<std::string, double>& metric) {
  std::string text;
  for (const auto& [name, value] : metric) text += fmt::format("{}{} {:.4f}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::string Row(const std::string& name, const std::string& before, const std::string& after) {
  return "<tr><th>" + EscapeMarkup(name) + "</th>" + NumberCell(before) + NumberCell(after) + "</tr>\n";
}

std::string BeforeAndAfter(const Report& report) {
  const ModelFigures &a = report.baseline, &b = report.optimized;
  std::string html = "<table><tr><th></th><th>before</th><th>after</th></tr>\n";
  for (const auto& [name, value] : a.metric) {
    auto other = b.metric.find(name);
    html += Row(name, fmt::format("{:.4f}", value), other == b.metric.end() ? "" : fmt::format("{:.4f}", other->second));
  }
  html += Row("size", Bytes(a.size_bytes), Bytes(b.size_bytes));
  html += Row("latency, median", fmt::format("{:.3f} ms", a.latency_ms.median), fmt::format("{:.3f} ms", b.latency_ms.median));
  html += Row("latency, 95 %", fmt::format("{:.3f} ms", a.latency_ms.p95), fmt::format("{:.3f} ms", b.latency_ms.p95));
  html += Row("peak memory", Bytes(a.peak_memory_bytes), Bytes(b.peak_memory_bytes));
  return html + "</table>\n";
}

std::string Trials(const Report& report) {
  std::string html = "<h2>Trials</h2>\n";
  std::string picture = TrialSvg(report);
  if (!picture.empty()) html += "<figure>" + picture + "</figure>\n";
  html += "<table><tr><th>trial</th><th>configuration</th><th>metric</th><th>rows</th><th>latency</th><th>size</th><th>holds the limit</th></tr>\n";
  for (const TrialReport& trial : report.trials) {
    html += "<tr>" + NumberCell(std::to_string(trial.index)) + Cell(trial.configuration) + Cell(Metrics(trial.metric)) + NumberCell(std::to_string(trial.rows)) +
            NumberCell(trial.latency_ms ? fmt::format("{:.3f} ms", *trial.latency_ms) : "") + NumberCell(trial.size_bytes ? Bytes(*trial.size_bytes) : "") +
            Cell(trial.meets_criterion ? "yes" : "no") + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string Remarks(const Report& report) {
  std::string html;
  for (const Guess& guess : report.guesses) {
    html += "<li>" + EscapeMarkup(fmt::format("Guessed: {} is {}{}{}", guess.what, guess.value, guess.why.empty() ? "" : ", because ", guess.why)) + "</li>\n";
  }
  for (const std::string& note : report.notes) html += "<li>" + EscapeMarkup(note) + "</li>\n";
  return html.empty() ? "" : "<h2>Remarks</h2><ul>\n" + html + "</ul>\n";
}

}  // namespace

std::string ReportPage(const std::string& id, const Report& report) {
  std::string html = "<h1>" + EscapeMarkup(report.verdict) + "</h1>\n";
  html += fmt::format("<p>Task <code>{}</code>. The accuracy limit is {}.", EscapeMarkup(id), report.goal_met ? "held" : "not held");
  if (report.speedup.median > 0) {
    html += fmt::format(" {:.2f} times as fast (95 % interval {:.2f} to {:.2f}).", report.speedup.median, report.speedup.low, report.speedup.high);
  }
  html += fmt::format(" Evaluated on {} rows.</p>\n", report.evaluation_rows);
  html += BeforeAndAfter(report) + Remarks(report);
  html += OperatorSection(report.operators);
  if (!report.trials.empty()) html += Trials(report);
  return html + fmt::format("<p><a href=\"/task/{0}/report\" type=\"application/json\">report.json</a> · <a href=\"/download/{0}\">the model</a></p>\n", EscapeMarkup(id));
}

std::string StandalonePage(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\n"
      "<style>\n{}</style></head><body><main>\n{}</main></body></html>\n",
      EscapeMarkup(title), StyleFile("style.css"), body);
}

}  // namespace ns
