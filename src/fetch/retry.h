// Waiting between tries. Private to fetch/.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/status.h"

namespace ns {

inline constexpr double kLongestWaitSeconds = 60;

// So that many who failed together do not come back together.
double Jittered(double seconds);

// Of a Retry-After header in whole seconds, at most kLongestWaitSeconds; 0 for a date and whatever else: that is left to our own waiting.
double RetryAfterSeconds(const std::string& text);

double SecondsUntil(std::chrono::steady_clock::time_point time);

// Cancelled when `stopped` (may be empty) says so meanwhile.
Status WaitBeforeTry(double seconds, const std::function<bool()>& stopped);

}  // namespace ns
