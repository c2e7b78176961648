// Text from elsewhere, for a terminal or a line of a log.
#pragma once

#include <string>
#include <string_view>

namespace ns {

// Control characters (C0, DEL and UTF-8's C1) and bytes that are not UTF-8 as \n, \t or \xHH: what a name or message holds must neither begin a
// line of its own nor command the terminal. All else stays.
std::string Printable(std::string_view text);

// The same in at most `width` characters, at least 1: the beginning is cut off and marked by an ellipsis.
std::string Printable(std::string_view text, size_t width);

}  // namespace ns
