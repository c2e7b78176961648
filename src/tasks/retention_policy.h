// How much of what has ended the service keeps: the value of --retention.
//
//   "30d"                       what ended within the last 30 days (s, m, h, d, w)
//   "10000 tasks"               the 10,000 that ended last
//   "50GB"                      folders and logs of ended tasks up to 50 * 10^9 bytes together (kB, MB, GB, TB; KiB, MiB, GiB, TiB)
//   "30d, 10000 tasks, 50GB"    what all of these keep
//   "all"                       everything, the default
// Pending and running tasks are never touched.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

struct RetentionPolicy {
  std::optional<std::chrono::seconds> age;
  std::optional<int64_t> tasks;
  std::optional<uint64_t> bytes;

  bool keeps_all() const { return !age && !tasks && !bytes; }
};

// InvalidArgument (BAD_RETENTION) with what is accepted.
Result<RetentionPolicy> ParseRetentionPolicy(std::string_view text);

}  // namespace ns
