// Names in messages: what was found, what is nearest to it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ns {

// The known name with the fewest single-character edits to `name` (Levenshtein), ignoring case; the first of equals.
// `known` is not empty.
std::string NearestName(std::string_view name, std::span<const std::string> known);

// "'a', 'b', 'c'"; of more than `limit` names the first, then "and 12 more". "none" when there are none. Long names
// are cut and control characters replaced, as by Excerpt().
std::string ListNames(std::span<const std::string> names, size_t limit = 12);

// Text from a file, fit for a message: at most `limit` bytes, control characters replaced, cut at a character's border.
std::string Excerpt(std::string_view text, size_t limit = 40);

// ASCII letters in lower case; the rest as it is.
std::string LowerCase(std::string_view text);

}  // namespace ns
