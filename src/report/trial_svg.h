// The trials of a report as a picture: accuracy against latency.
#pragma once

#include <string>

#include "tasks/report.h"

namespace ns {

// A point for each trial that was timed and has a value of the first goal's metric, the Pareto front as a line through its points, the worst
// accuracy that holds as a dashed line, and the packaged model. "": fewer than two points.
std::string TrialSvg(const Report& report);

}  // namespace ns
