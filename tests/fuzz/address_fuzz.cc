// Addresses of users: only http and https, nothing secret shown, names that stay in their folder.
#include "fetch/address.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = ns::FuzzText(data, size);
  auto address = ns::ParseAddress(text, {});
  if (address.ok()) {
    NS_CHECK(address->url.starts_with("http://") || address->url.starts_with("https://"), "{}", address->url);
    NS_CHECK(!address->host.empty());
    NS_CHECK(ns::ParseAddress(address->url, {}).ok(), "{}", address->url);
  }
  std::string shown = ns::ShownAddress(text), name = ns::SafeFileName(text);
  NS_CHECK(shown.find_first_of("?#\n") == std::string::npos);
  NS_CHECK(!name.empty() && name[0] != '.' && name.find('/') == std::string::npos && name.size() <= 120);
  auto blocks = ns::ParseCidrBlocks(text);
  if (blocks.ok() && !blocks->empty()) NS_CHECK(ns::ParseCidrBlocks(ns::CidrBlocksText(*blocks)).ok());
  return 0;
}
