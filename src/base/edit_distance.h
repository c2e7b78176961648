// How far apart two names are, for suggestions in messages.
#pragma once

#include <cstddef>
#include <string_view>

namespace ns {

// The fewest insertions, deletions and replacements of single bytes that turn `a` into `b` (Levenshtein, 1966). Time and memory grow with
// the product of the lengths: cut what strangers send first.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace ns
