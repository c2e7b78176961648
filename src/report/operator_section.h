// The operators of a report as a section of an HTML page.
#pragma once

#include <string>
#include <vector>

#include "tasks/operator_report.h"

namespace ns {

// Heading, the worst in words, and a table sorted by harm whose rows have bars for the effect and the share of the latency and a picture of
// the histograms; beyond the `shown` worst rows are folded away. Everything is escaped; no scripts, no styles inside. "": no operators.
std::string OperatorSection(std::vector<OperatorReport> operators, size_t shown = 20);

}  // namespace ns
