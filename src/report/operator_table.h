// The operators of a report as a table for a terminal.
#pragma once

#include <string>
#include <vector>

#include "tasks/operator_report.h"

namespace ns {

// The worst in words, then at most `shown` rows, the most harmful first, each with a second line for what could be done; how many are left
// out. Names come from strangers: what is no printable text is written out, and long ones lose their beginning.
std::string OperatorTable(std::vector<OperatorReport> operators, size_t shown = 20);

}  // namespace ns
