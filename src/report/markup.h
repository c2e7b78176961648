// Text that becomes part of HTML or SVG.
#pragma once

#include <string>
#include <string_view>

namespace ns {

// For element content and quoted attribute values. Bytes that are not UTF-8, and characters that XML forbids, become U+FFFD.
std::string EscapeMarkup(std::string_view text);

// Bytes of the character that `text` (not empty) begins with; 0: they are no UTF-8, or XML forbids it.
size_t CharacterLength(std::string_view text);

// A coordinate or length: at most two decimals, no trailing zeros, never "-0"; a value that is not finite is 0.
std::string Coordinate(double value);

// For people, three significant digits: "-0.0123", "64", "1.2e+05". Not finite: "".
std::string Short(double value);

}  // namespace ns
