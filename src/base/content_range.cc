#include "base/content_range.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace ns {

namespace {

// Takes a decimal number off the front.
bool TakeNumber(std::string_view* text, uint64_t* out) {
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *out);
  if (error != std::errc() || end == text->data()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  if (text.size() < 6 || !std::equal(text.begin(), text.begin() + 6, "bytes ", [](unsigned char a, char b) { return std::tolower(a) == b; })) {
    return std::nullopt;
  }
  text.remove_prefix(6);
  ContentRange range;
  if (!TakeNumber(&text, &range.first) || !TakeChar(&text, '-') || !TakeNumber(&text, &range.last) || !TakeChar(&text, '/')) return std::nullopt;
  if (text != "*") {
    uint64_t total = 0;
    if (!TakeNumber(&text, &total) || !text.empty()) return std::nullopt;
    range.total = total;
  }
  if (range.last > INT64_MAX || range.first > range.last || (range.total && range.last >= *range.total)) return std::nullopt;
  return range;
}

}  // namespace ns
