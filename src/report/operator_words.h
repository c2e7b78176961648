// What stands in an operator's row, in words and in bars: the same in the table of a terminal, the page and the picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/operator_report.h"

namespace ns {

// "18.2 dB"; "": not measured.
std::string DecibelText(const std::optional<double>& db);
// "12.3 %"; "": not measured.
std::string ShareText(const std::optional<double>& share);

// 0 (60 dB and more: nobody sees it) to 1 (0 dB: all is noise), for a bar's length.
double HarmOf(const std::optional<double>& db);
// "bad" (below 20 dB: a tenth of the output is noise), "fair" (below 30), "good", or "" when not measured.
std::string_view HarmClass(const std::optional<double>& db);

// Answers "which operator hurts, and what could be done?" in one or two sentences. `operators` sorted by harm; "": nothing was measured.
std::string WorstInWords(const std::vector<OperatorReport>& operators);

}  // namespace ns
