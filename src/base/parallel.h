// A count of equal jobs spread over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/status.h"

namespace ns {

// Job `number`, on the thread `worker` in [0, threads): calls with the same worker never overlap.
using ParallelJob = std::function<Status(int worker, int64_t number)>;

// Calls job(·, 0) ... job(·, count - 1), each once, on `threads` threads (at least one), in about that order. `progress`, unless empty, hears
// now and then the number of jobs done, from this thread. After a failure no further job begins and the failure of the lowest number that
// failed is returned; a job that throws std::bad_alloc has failed with ResourceExhausted (OUT_OF_MEMORY). Where no memory is left for so
// many threads, there are fewer. Cancelled when `stop` was asked for.
Status RunParallel(int64_t count, int threads, const ParallelJob& job, const std::function<void(int64_t done)>& progress = {},
                   std::stop_token stop = {});

}  // namespace ns
