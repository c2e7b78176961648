#include "report/operator_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "report/markup.h"
#include "report/operator_words.h"

namespace ns {

namespace {

constexpr size_t kNameWidth = 36;

std::string RangeText(const std::optional<ActivationReport>& one) {
  return one ? fmt::format("{}..{}", Short(one->min), Short(one->max)) : "";
}

std::string RowText(std::string_view name, std::string_view type, std::string_view decision, std::string_view effect, std::string_view own,
                    std::string_view time, std::string_view input, std::string_view output) {
  // fmt counts columns of a terminal.
  std::string row = fmt::format("  {:<{}} {:<8} {:<12} {:>9} {:>9} {:>7}  {:<18} {}", name, kNameWidth, type, decision, effect, own, time, input, output);
  while (row.back() == ' ') row.pop_back();
  return row + "\n";
}

std::string RowOf(const OperatorReport& one) {
  std::string effect = DecibelText(one.effect_db);
  if (one.effect_shared && !effect.empty()) effect = "~" + effect;
  const auto& time = one.float_latency_share ? one.float_latency_share : one.latency_share;
  std::string row = RowText(Printable(one.name, kNameWidth), Printable(one.type, 8), one.decision, effect, DecibelText(one.sqnr_db), ShareText(time),
                            RangeText(one.input), RangeText(one.output));
  if (!one.advice.empty()) row += "      " + Printable(one.advice, 400) + "\n";
  return row;
}

}  // namespace

std::string OperatorTable(std::vector<OperatorReport> operators, size_t shown) {
  SortByHarm(&operators);
  std::string text = Printable(WorstInWords(operators), 2000);
  if (!text.empty()) text += "\n\n";
  text += RowText("operator", "type", "decision", "effect", "own", "time", "reads", "makes");
  size_t rows = std::min(shown, operators.size());
  for (size_t i = 0; i < rows; ++i) text += RowOf(operators[i]);
  if (rows < operators.size()) text += fmt::format("  and {} more, less harmful\n", operators.size() - rows);
  text += "\n  effect: signal to noise of the model's outputs when it alone is quantized (40 dB: 1 % noise, 20 dB: 10 %); own: of its own output;\n"
          "  time: of the fp32 run; ~: not measured alone, its part of its block's\n";
  return text;
}

}  // namespace ns
