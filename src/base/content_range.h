// The Content-Range header (RFC 9110, 14.4), of answers that hold a part and of uploads in pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ns {

struct ContentRange {
  uint64_t first = 0, last = 0;   // both inclusive
  std::optional<uint64_t> total;  // none: "*"
};

// "bytes 0-99/200" or "bytes 0-99/*" (RFC 9110, 14.4). None for anything else, also where first > last, last >= total, or last
// is beyond what a file can have.
std::optional<ContentRange> ParseContentRange(std::string_view text);

}  // namespace ns
