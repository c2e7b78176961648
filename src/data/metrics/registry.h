// The metrics by name. A new one: its own files beside this, one line in registry.cc, one row in the documentation.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "data/metrics/metric.h"

namespace ns {

struct MetricEntry {
  std::string_view name;
  std::string_view summary;  // one line for people
  std::unique_ptr<Metric> (*make)(const MetricOptions& options);
};

// All of them, in the order in which they are listed to people.
std::span<const MetricEntry> MetricTable();

// InvalidArgument (UNKNOWN_METRIC) names the nearest known one and lists all.
Result<std::unique_ptr<Metric>> MetricByName(std::string_view name, const MetricOptions& options = {});

}  // namespace ns
