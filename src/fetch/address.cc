#include "fetch/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace ns {

namespace {

constexpr size_t kMaxAddressBytes = 8 << 10;
constexpr size_t kMaxNameBytes = 120;

using Url = std::unique_ptr<CURLU, void (*)(CURLU*)>;

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

// A page that shows a file -> the file: https://github.com/OWNER/REPO/blob/REF/PATH -> https://raw.githubusercontent.com/OWNER/REPO/REF/PATH
void PageToRaw(CURLU* url) {
  std::string host = Part(url, CURLUPART_HOST), path = Part(url, CURLUPART_PATH);
  if (host != "github.com" && host != "www.github.com") return;
  size_t repo = path.find('/', 1);
  size_t kind = repo == std::string::npos ? repo : path.find('/', repo + 1);
  if (kind == std::string::npos || path.compare(kind, 6, "/blob/") != 0) return;
  curl_url_set(url, CURLUPART_HOST, "raw.githubusercontent.com", 0);
  curl_url_set(url, CURLUPART_PATH, (path.substr(0, kind) + path.substr(kind + 5)).c_str(), 0);
  curl_url_set(url, CURLUPART_QUERY, nullptr, 0);
}

}  // namespace

Result<Address> ParseAddress(std::string_view text, const AddressRules& rules) {
  auto bad = [&](std::string_view why, const char* reason) {
    return InvalidArgument(fmt::format("\"{}\" {}", ShownAddress(text), why), reason);
  };
  if (text.size() > kMaxAddressBytes) return InvalidArgument(fmt::format("an address of {} bytes is too long", text.size()), "BAD_ADDRESS");
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7f; })) {
    return bad("has a blank or control character in it; write it percent-encoded", "BAD_ADDRESS");
  }
  Url url(curl_url(), curl_url_cleanup);
  if (url == nullptr) return ResourceExhausted("no memory for an address", "NO_MEMORY");
  CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) return bad(fmt::format("is no address: {}", curl_url_strerror(code)), "BAD_ADDRESS");
  std::string scheme = Part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return bad("is not served by http or https", "BAD_SCHEME");
  PageToRaw(url.get());
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  // The parser decodes a host once, and sees an address in "%32130706433" only when it reads what it wrote: until nothing changes any more.
  for (std::string before; before != Part(url.get(), CURLUPART_URL);) {
    before = Part(url.get(), CURLUPART_URL);
    code = curl_url_set(url.get(), CURLUPART_URL, before.c_str(), CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK) return bad(fmt::format("is no address: {}", curl_url_strerror(code)), "BAD_ADDRESS");
  }
  Address address;
  address.url = Part(url.get(), CURLUPART_URL);
  address.host = Part(url.get(), CURLUPART_HOST);
  address.path = Part(url.get(), CURLUPART_PATH, CURLU_URLDECODE);
  address.origin = fmt::format("{}://{}:{}", scheme, address.host, Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  if (address.host.starts_with('[') && address.host.ends_with(']')) address.host = address.host.substr(1, address.host.size() - 2);
  if (address.host.empty()) return bad("names no host", "BAD_ADDRESS");
  if (!IsAllowedLiteral(rules, address.host)) {
    return bad(fmt::format("leads to {}, which is not a public address; the service's --allow_addresses can allow it", address.host),
               "PRIVATE_ADDRESS");
  }
  return address;
}

std::string ShownAddress(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  size_t scheme = shown.find("://");
  size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  size_t path = shown.find('/', host);
  size_t at = shown.rfind('@', path == std::string::npos ? path : path - (path > 0 ? 1 : 0));
  if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) c = '.';
  }
  if (shown.size() > 300) shown = shown.substr(0, 300) + "...";
  return shown;
}

std::string SafeFileName(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  size_t slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  std::string name;
  for (unsigned char c : path) {
    bool kept = c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-');
    name.push_back(kept ? static_cast<char>(c) : '_');
  }
  if (name.size() > kMaxNameBytes) name = name.substr(name.size() - kMaxNameBytes);  // the end tells the format
  while (name.starts_with('.')) name.erase(0, 1);
  return name.empty() ? "file" : name;
}

}  // namespace ns
