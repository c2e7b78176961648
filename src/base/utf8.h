// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ns {

// Offset of the first byte that is not part of a well-formed character (Unicode 15, table 3-7); none when all are.
std::optional<size_t> FindBadUtf8(std::string_view text);

}  // namespace ns
