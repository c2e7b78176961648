// What an operator reads and makes, as a picture.
#pragma once

#include <string>

#include "tasks/operator_report.h"

namespace ns {

inline constexpr int kHistogramWidth = 272, kHistogramHeight = 62;  // of its view box

// The histograms of the input and the output side by side, counts on a logarithmic scale, what the integers stand for as a band between two
// lines, the smallest and largest value below. "": there is no histogram. `attributes` is put into the svg element, ready for markup.
std::string HistogramSvg(const OperatorReport& one, const std::string& attributes = "");

}  // namespace ns
