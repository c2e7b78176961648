// Sizes as people write them: "16GB", "500 MiB", "1000000".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ns {

// Bytes in one "B", "kB", "MB", "GB", "TB" (powers of 1000), "KiB", "MiB", "GiB" or "TiB" (of 1024). None: another word.
std::optional<uint64_t> BytesIn(std::string_view unit);

// A number, with a fraction or an exponent if need be, and after it a unit, blanks between them or not; without one it is bytes. Less than
// 2^63. None: it is no such text.
std::optional<uint64_t> ParseByteSize(std::string_view text);

// In the largest unit of powers of 1000 that it is a whole multiple of: "16GB", "1500kB", "1"; read back it is the same number.
std::string FormatByteSize(uint64_t bytes);

}  // namespace ns
