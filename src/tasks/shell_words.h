// Splitting text into words as a POSIX shell does, with nothing of a shell behind it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// Words at blanks, tabs and line breaks; '...' taken as it is; in "..." a backslash quotes $ ` " \ and a line break; outside, whatever follows
// it (POSIX.1-2017, Shell Command Language, 2.2 and 2.6.5). Nothing is expanded: $HOME, *, ~ and ; stay as they are.
// InvalidArgument (UNBALANCED_QUOTES) when a quote is not closed or a backslash ends the text.
Result<std::vector<std::string>> SplitWords(std::string_view text);

// Text that SplitWords() makes exactly this one word of; a word of plain characters stays as it is.
std::string QuoteWord(std::string_view word);

}  // namespace ns
