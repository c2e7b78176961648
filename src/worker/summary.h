// The report as a table for people.
#pragma once

#include <filesystem>
#include <string>

#include "tasks/report.h"

namespace ns {

// Several lines: before and after side by side (metric, size, latency, peak memory), what became of the operators,
// where the time went, the verdict, and the folder.
std::string SummaryText(const Report& report, const std::filesystem::path& output);

// 12345678 → "12.35 MB".
std::string BytesText(uint64_t bytes);

}  // namespace ns
