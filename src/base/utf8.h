// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ns {

// Length of the well-formed character (Unicode 15, table 3-7) that `text` begins with; 0: it begins with none.
size_t Utf8Length(std::string_view text);

// Offset of the first byte that is not part of a well-formed character; none when all are.
std::optional<size_t> FindBadUtf8(std::string_view text);

}  // namespace ns
