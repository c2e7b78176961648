#include "api/rest/target.h"

#include <algorithm>
#include <optional>

namespace ns {

namespace {

int Hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] == '%') {
      int high = i + 2 < text.size() ? Hex(text[i + 1]) : -1, low = i + 2 < text.size() ? Hex(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

Result<Target> ParseTarget(std::string_view text) {
  auto bad = [&] { return InvalidArgument(fmt::format("not a request target: '{}'", text.substr(0, 100)), "BAD_TARGET"); };
  if (text.empty() || text[0] != '/') return bad();
  text = text.substr(0, text.find('#'));
  size_t question = text.find('?');
  Target target;
  for (std::string_view rest = text.substr(0, question); !rest.empty();) {
    rest.remove_prefix(1);
    size_t slash = rest.find('/');
    auto segment = Decode(rest.substr(0, slash), false);
    if (!segment) return bad();
    target.path += "/" + *segment;
    if (!segment->empty()) target.segments.push_back(std::move(*segment));
    rest.remove_prefix(std::min(slash, rest.size()));
  }
  std::string_view query = question == std::string_view::npos ? "" : text.substr(question + 1);
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    size_t equals = pair.find('=');
    auto name = Decode(pair.substr(0, equals), true);
    auto value = Decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return bad();
    if (!name->empty()) target.query[*name] = *value;
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return target;
}

}  // namespace ns
