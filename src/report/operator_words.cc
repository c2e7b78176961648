#include "report/operator_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ns {

std::string DecibelText(const std::optional<double>& db) { return db && std::isfinite(*db) ? fmt::format("{:.1f} dB", *db) : ""; }

std::string ShareText(const std::optional<double>& share) {
  return share && std::isfinite(*share) ? fmt::format("{:.1f} %", 100 * *share) : "";
}

double HarmOf(const std::optional<double>& db) { return db && std::isfinite(*db) ? std::clamp((60 - *db) / 60, 0.0, 1.0) : 0; }

std::string_view HarmClass(const std::optional<double>& db) {
  if (!db || !std::isfinite(*db)) return "";
  return *db < 20 ? "bad" : *db < 30 ? "fair" : "good";
}

std::string WorstInWords(const std::vector<OperatorReport>& operators) {
  if (operators.empty() || !operators[0].effect_db || !std::isfinite(*operators[0].effect_db)) return "";
  const OperatorReport& worst = operators[0];
  double noise = 100 * std::pow(10, -*worst.effect_db / 20);
  std::string text = fmt::format("Most harm: {} '{}'. Quantized alone it puts {:.2g} % noise on the outputs ({:.1f} dB)", worst.type, worst.name, noise,
                                 *worst.effect_db);
  if (worst.float_latency_share) text += fmt::format("; it takes {:.1f} % of the fp32 run", 100 * *worst.float_latency_share);
  text += ".";
  if (!worst.advice.empty()) text += " " + worst.advice + ".";
  auto hurt = std::count_if(operators.begin(), operators.end(), [](const OperatorReport& one) { return one.effect_db && *one.effect_db < 30; });
  if (hurt == 0) text += " No operator alone is worth worrying about: above 30 dB less than 3 % of the output is noise.";
  if (hurt > 1) text += fmt::format(" {} operators are below 30 dB (3 % noise) alone.", hurt);
  return text;
}

}  // namespace ns
