// The operators of a report as one picture.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/operator_report.h"

namespace ns {

// A standalone SVG document: title, subtitle, and the `shown` most harmful operators, each with its name, bars for effect and time, and its histograms.
std::string OperatorSvg(std::vector<OperatorReport> operators, std::string_view title, std::string_view subtitle, size_t shown = 20);

}  // namespace ns
