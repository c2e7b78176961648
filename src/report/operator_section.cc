#include "report/operator_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "report/histogram_svg.h"
#include "report/markup.h"
#include "report/operator_words.h"

namespace ns {

namespace {

constexpr const char* kLegend =
    "<p class=\"legend\">Effect: signal to noise of the model's outputs when this operator alone is quantized, also where it then stayed in float "
    "(40 dB: 1 % noise, 20 dB: 10 %; the longer the bar, the more harm). Own: the same of the operator's own output. Time: its share of the fp32 "
    "run. Histograms: the values it reads and makes, heights logarithmic, the shaded band is what its integers stand for.</p>\n";

// Grows with its cell; without text, so that stretching does no harm.
std::string Bar(double length, std::string_view kind) {
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"6\"/>"
      "<rect class=\"{}\" width=\"{}\" height=\"6\"/></svg>",
      kind, Coordinate(100 * std::clamp(length, 0.0, 1.0)));
}

std::string Cell(std::string_view label, std::string_view kind, const std::string& html) {
  return fmt::format("<td class=\"{}{}\" data-label=\"{}\">{}</td>", kind, html.empty() ? " empty" : "", label, html);
}

std::string EffectCell(const OperatorReport& one) {
  std::string text = DecibelText(one.effect_db);
  if (text.empty()) return Cell("effect", "figure", "");
  if (one.effect_shared) text = "~ " + text;
  return Cell("effect", "figure", text + Bar(HarmOf(one.effect_db), HarmClass(one.effect_db)));
}

// Of the fp32 run where that was measured, else of the packaged model's.
std::string TimeCell(const OperatorReport& one) {
  const auto& share = one.float_latency_share ? one.float_latency_share : one.latency_share;
  std::string text = ShareText(share);
  return Cell("time", "figure", text.empty() ? "" : text + Bar(*share, "time"));
}

// What the histograms don't show.
std::string Spread(const OperatorReport& one) {
  std::string text;
  if (one.input && one.input->channel_ratio) text = fmt::format("widest input channel {}× the median", Short(*one.input->channel_ratio));
  if (one.weight) {
    text += fmt::format("{}weights ±{}, channels {}× apart", text.empty() ? "" : "; ", Short(one.weight->absmax), Short(one.weight->channel_ratio));
  }
  return text.empty() ? "" : "<span class=\"more\">" + text + "</span>";
}

// May break behind each part of its path.
std::string Name(const std::string& name) {
  std::string html;
  for (char c : EscapeMarkup(name)) {
    html += c;
    if (c == '/') html += "<wbr>";
  }
  return html;
}

std::string RowOf(const OperatorReport& one, bool advice) {
  std::string why = one.why.empty() ? "" : "<span class=\"more\">" + EscapeMarkup(one.why) + "</span>";
  std::string html = "<tr><th scope=\"row\">" + Name(one.name) + "<span class=\"more\">" + EscapeMarkup(one.type) + "</span></th>" +
                     Cell("decision", "words", EscapeMarkup(one.decision) + why) + EffectCell(one) + Cell("own", "figure", DecibelText(one.sqnr_db)) +
                     TimeCell(one) + Cell("values", "picture", HistogramSvg(one) + Spread(one));
  if (advice) html += Cell("what to do", "words", EscapeMarkup(one.advice));
  return html + "</tr>\n";
}

std::string Table(std::span<const OperatorReport> operators) {
  bool advice = std::any_of(operators.begin(), operators.end(), [](const OperatorReport& one) { return !one.advice.empty(); });
  std::string html =
      "<table class=\"operators\"><thead><tr><th>operator</th><th>decision and why</th><th>effect</th><th>own</th><th>time</th><th>values</th>";
  html += std::string(advice ? "<th>what to do</th>" : "") + "</tr></thead>\n<tbody>\n";
  for (const OperatorReport& one : operators) html += RowOf(one, advice);
  return html + "</tbody></table>\n";
}

}  // namespace

std::string OperatorSection(std::vector<OperatorReport> operators, size_t shown) {
  if (operators.empty()) return "";
  SortByHarm(&operators);
  std::string html = "<h2 id=\"operators\">Operators</h2>\n";
  std::string worst = WorstInWords(operators);
  if (!worst.empty()) html += "<p>" + EscapeMarkup(worst) + "</p>\n";
  auto all = std::span<const OperatorReport>(operators);
  size_t first = std::min(shown, all.size());
  html += kLegend + Table(all.first(first));
  if (first == all.size()) return html;
  return html + fmt::format("<details><summary>{} more, less harmful</summary><div>\n{}</div></details>\n", all.size() - first, Table(all.subspan(first)));
}

}  // namespace ns
