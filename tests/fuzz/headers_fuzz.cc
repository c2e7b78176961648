// Request lines and the headers of uploads.
#include "api/rest/target.h"
#include "base/content_range.h"
#include "base/digest_header.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = ns::FuzzText(data, size);
  if (auto range = ns::ParseContentRange(text)) {
    NS_CHECK(range->first <= range->last && range->last + 1 > range->last);
    NS_CHECK(!range->total || range->last < *range->total);
  }
  auto digest = ns::ParseDigestHeader(text);
  if (digest.ok() && !digest->empty()) NS_CHECK(ns::ParseDigestHeader(ns::DigestHeader(*digest)).value() == *digest);
  (void)ns::ParseHexDigest(text).status();
  auto target = ns::ParseTarget(text);
  if (target.ok()) NS_CHECK(target->path.find('\0') == std::string::npos);
  return 0;
}
