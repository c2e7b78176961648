#include "fetch/http_headers.h"

#include <algorithm>

namespace ns {

namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

void HttpHeaders::Add(std::string_view line) {
  if (line.starts_with("HTTP/")) return values_.clear();
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  values_[Lower(Trimmed(line.substr(0, colon)))] = std::string(Trimmed(line.substr(colon + 1)));
}

std::string HttpHeaders::Get(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

std::string DispositionName(std::string_view text) {
  size_t at = Lower(text).find("filename=");
  if (at == std::string::npos || (at > 0 && text[at - 1] != ';' && text[at - 1] != ' ')) return "";
  text.remove_prefix(at + 9);
  if (!TakeChar(&text, '"')) return std::string(Trimmed(text.substr(0, text.find(';'))));
  return std::string(text.substr(0, text.find('"')));
}

}  // namespace ns
