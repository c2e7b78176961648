#include "report/markup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ns {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool IsContinuation(unsigned char c) { return (c & 0xC0) == 0x80; }

}  // namespace

size_t CharacterLength(std::string_view text) {
  auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  unsigned char first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (size_t i = 1; i < length; ++i)
    if (!IsContinuation(static_cast<unsigned char>(at(i)))) return 0;
  // Overlong forms, surrogates, beyond the last plane, and the two that XML forbids.
  if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) >= 0xA0)) return 0;
  if ((first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) >= 0x90)) return 0;
  if (first == 0xEF && at(1) == 0xBF && at(2) >= 0xBE) return 0;
  return length;
}

std::string EscapeMarkup(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = CharacterLength(text);
    switch (length == 1 ? text[0] : 0) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += length > 0 ? text.substr(0, length) : kReplacement;
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string Coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string Short(double value) { return std::isfinite(value) ? fmt::format("{:.3g}", value) : ""; }

}  // namespace ns
