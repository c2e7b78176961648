#include "report/operator_svg.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "report/histogram_svg.h"
#include "report/markup.h"
#include "report/operator_words.h"

namespace ns {

namespace {

constexpr int kWidth = 980, kTop = 86, kRow = 74;
constexpr int kEffect = 330, kTime = 520, kPicture = kWidth - 16 - kHistogramWidth, kBar = 150;

constexpr const char* kStyle = R"(
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; } .soft { fill: #59636e; } .end { text-anchor: end; }
  .page { fill: #fff; } .track { fill: #8883; } .line { stroke: #8884; }
  .bins { fill: #2563eb; } .axis { stroke: #8888; } .band { fill: #2563eb22; } .clip { stroke: #b45309; stroke-dasharray: 2 2; fill: none; }
  .bad { fill: #dc2626; } .fair { fill: #d97706; } .good { fill: #2563eb; } .time { fill: #64748b; }
  .histogram text { font-size: 10.5px; fill: #59636e; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #16181c; } text { fill: #e6e8eb; } .soft, .histogram text { fill: #9aa4af; }
    .bins, .good { fill: #6ea2ff; } .band { fill: #6ea2ff2e; } .clip { stroke: #f0a050; } .time { fill: #94a3b8; }
  }
)";

std::string Text(double x, double y, std::string_view kind, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", kind, Coordinate(x), Coordinate(y), EscapeMarkup(text));
}

std::string Bar(double x, double y, double length, std::string_view kind, const std::string& label) {
  if (label.empty()) return "";
  return fmt::format("<rect class=\"track\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"7\"/><rect class=\"{3}\" x=\"{0}\" y=\"{1}\" width=\"{4}\" height=\"7\"/>",
                     Coordinate(x), Coordinate(y), kBar, kind, Coordinate(kBar * std::clamp(length, 0.0, 1.0))) +
         Text(x, y - 6, "", label);
}

std::string RowOf(const OperatorReport& one, double y) {
  const auto& time = one.float_latency_share ? one.float_latency_share : one.latency_share;
  std::string svg = fmt::format("<path class=\"line\" d=\"M16 {}H{}\"/>", Coordinate(y), kWidth - 16);
  svg += Text(16, y + 24, "", Printable(one.name, 46)) + Text(16, y + 42, "soft", Printable(one.type + ", " + one.decision, 46));
  if (!one.advice.empty()) {
    std::string advice = Printable(one.advice, 400);
    svg += "<g><title>" + EscapeMarkup(advice) + "</title>" + Text(16, y + 60, "soft", advice.size() > 90 ? advice.substr(0, advice.rfind(' ', 88)) + " ..." : advice) + "</g>";
  }
  svg += Bar(kEffect, y + 30, HarmOf(one.effect_db), HarmClass(one.effect_db), DecibelText(one.effect_db));
  if (time) svg += Bar(kTime, y + 30, *time, "time", ShareText(time));
  return svg + HistogramSvg(one, fmt::format("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", kPicture, Coordinate(y + 6), kHistogramWidth, kHistogramHeight));
}

}  // namespace

std::string OperatorSvg(std::vector<OperatorReport> operators, std::string_view title, std::string_view subtitle, size_t shown) {
  SortByHarm(&operators);
  size_t rows = std::min(shown, operators.size());
  int height = kTop + static_cast<int>(rows) * kRow + 16;
  std::string svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n<style>{2}</style>\n"
                                "<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n", kWidth, height, kStyle);
  svg += Text(16, 28, "title", Printable(title, 80)) + Text(16, 47, "soft", Printable(subtitle, 150)) + "\n";
  svg += Text(16, 76, "soft", "operator") + Text(kEffect, 76, "soft", "effect on the outputs") + Text(kTime, 76, "soft", "time of the fp32 run") +
         Text(kPicture, 76, "soft", "values it reads and makes") + "\n";
  for (size_t i = 0; i < rows; ++i) svg += RowOf(operators[i], kTop + static_cast<double>(i) * kRow) + "\n";
  return svg + "</svg>\n";
}

}  // namespace ns
