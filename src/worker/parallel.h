// A count of equal jobs spread over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/progress.h"
#include "base/status.h"

namespace ns {

// Calls job(0) ... job(count - 1), each once, on `threads` threads (at least one), in no particular order. `progress`
// hears the number of jobs done, from this thread. After a failure no further job begins and the failure of the lowest
// job number that failed is returned; Cancelled when `stop` was asked for.
Status RunParallel(int64_t count, int threads, const std::function<Status(int64_t)>& job, ProgressSink& progress,
                   std::stop_token stop);

}  // namespace ns
