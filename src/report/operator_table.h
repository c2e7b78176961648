// The operators of a report as a table for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/operator_report.h"

namespace ns {

// The worst in words, then at most `shown` rows, the most harmful first, each with a second line for what could be done; how many are left
// out. Names come from strangers: what is no printable text becomes '?', and long ones lose their beginning.
std::string OperatorTable(std::vector<OperatorReport> operators, size_t shown = 20);

// At most `width` characters (of UTF-8), the beginning cut off and marked by an ellipsis.
std::string Printable(std::string_view text, size_t width);

}  // namespace ns
