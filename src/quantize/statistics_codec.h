// Statistics of calibration as bytes, for workers that calibrate with parts of the rows or quantize with what others found.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "quantize/statistics.h"

namespace ns {

// Version 1: little endian; counts as base-128 numbers with runs of zeros shortened, so that a histogram takes a kilobyte or two. Comes back to
// the last bit.
std::string StatisticsToBytes(const Statistics& statistics);
// InvalidArgument (BAD_STATISTICS): these are none.
Result<Statistics> StatisticsFromBytes(std::string_view bytes);

}  // namespace ns
