#include "base/digest_header.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ns {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";

Status Bad(std::string_view text) {
  return InvalidArgument(fmt::format("\"{}\" is no SHA-256: give 64 hex digits, or in a header sha-256=:BASE64:", text.substr(0, 100)), "BAD_DIGEST");
}

// 32 bytes of padded base64 as hex; "" for anything else.
std::string HexOfBase64(std::string_view text) {
  if (text.size() != 44 || text.back() != '=') return "";
  std::string hex;
  uint32_t bits = 0;
  int have = 0;
  for (char c : text.substr(0, 43)) {
    size_t value = kDigits.find(c);
    if (value == std::string_view::npos) return "";
    bits = (bits << 6) | static_cast<uint32_t>(value);
    have += 6;
    while (have >= 4) {
      have -= 4;
      hex.push_back(kHex[(bits >> have) & 15]);
    }
  }
  return hex.substr(0, 64);
}

}  // namespace

Result<std::string> ParseDigestHeader(std::string_view header) {
  while (!header.empty()) {
    size_t comma = header.find(',');
    std::string_view item = header.substr(0, comma);
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
    if (!item.starts_with("sha-256=")) continue;
    item.remove_prefix(8);
    while (item.ends_with(' ')) item.remove_suffix(1);
    bool framed = item.size() > 2 && item.front() == ':' && item.back() == ':';
    std::string hex = framed ? HexOfBase64(item.substr(1, item.size() - 2)) : "";
    return hex.empty() ? Result<std::string>(Bad(item)) : hex;
  }
  return std::string();
}

Result<std::string> ParseHexDigest(std::string_view text) {
  std::string hex(text);
  std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (hex.size() != 64 || hex.find_first_not_of(kHex) != std::string::npos) return Bad(text);
  return hex;
}

std::string DigestHeader(std::string_view sha256) {
  std::string base64;
  uint32_t bits = 0;
  int have = 0;
  for (char c : sha256) {
    bits = (bits << 4) | static_cast<uint32_t>(kHex.find(c) & 15);
    have += 4;
    while (have >= 6) {
      have -= 6;
      base64.push_back(kDigits[(bits >> have) & 63]);
    }
  }
  if (have > 0) base64.push_back(kDigits[(bits << (6 - have)) & 63]);
  return "sha-256=:" + base64 + "=:";
}

}  // namespace ns
