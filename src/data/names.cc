#include "data/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/edit_distance.h"

namespace ns {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string NearestName(std::string_view name, std::span<const std::string> known) {
  std::string wanted = LowerCase(name.substr(0, 100));
  auto nearer = [&](const std::string& a, const std::string& b) {
    return EditDistance(wanted, LowerCase(a)) < EditDistance(wanted, LowerCase(b));
  };
  return *std::min_element(known.begin(), known.end(), nearer);
}

std::string Excerpt(std::string_view text, size_t limit) {
  std::string out(text.substr(0, limit));
  if (text.size() > limit) {
    // A character cut in two: its continuation bytes, then its first byte, go.
    while (!out.empty() && (static_cast<unsigned char>(text[out.size()]) & 0xC0) == 0x80) out.pop_back();
    out += "...";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

std::string ListNames(std::span<const std::string> names, size_t limit) {
  if (names.empty()) return "none";
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), limit); ++i) {
    out += fmt::format("{}'{}'", i == 0 ? "" : ", ", Excerpt(names[i]));
  }
  if (names.size() > limit) out += fmt::format(" and {} more", names.size() - limit);
  return out;
}

}  // namespace ns
