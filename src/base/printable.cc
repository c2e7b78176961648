#include "base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/utf8.h"

namespace ns {

namespace {

// What stands for the character, or byte that is none, which `text` begins with.
std::string Shown(std::string_view text, size_t length) {
  auto byte = static_cast<unsigned char>(text[0]);
  if (byte == '\n') return "\\n";
  if (byte == '\t') return "\\t";
  if (length == 0 || byte < 0x20 || byte == 0x7f) return fmt::format("\\x{:02x}", byte);
  if (byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return fmt::format("\\x{:02x}", static_cast<unsigned char>(text[1]));
  return std::string(text.substr(0, length));
}

std::vector<std::string> Characters(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    size_t length = Utf8Length(text);
    all.push_back(Shown(text, length));
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return all;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  for (const std::string& one : Characters(text)) out += one;
  return out;
}

std::string Printable(std::string_view text, size_t width) {
  std::string safe = Printable(text);
  std::vector<std::string> characters = Characters(safe);
  if (characters.size() <= width) return safe;
  std::string out = "…";
  for (size_t i = characters.size() - width + 1; i < characters.size(); ++i) out += characters[i];
  return out;
}

}  // namespace ns
