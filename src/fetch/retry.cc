#include "fetch/retry.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <thread>

namespace ns {

using std::chrono::steady_clock;

double Jittered(double seconds) {
  std::random_device random;
  return seconds * std::uniform_real_distribution<double>(0.75, 1.25)(random);
}

double RetryAfterSeconds(const std::string& text) {
  uint64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return kLongestWaitSeconds;
  return error == std::errc() && end == text.data() + text.size() ? std::min(static_cast<double>(seconds), kLongestWaitSeconds) : 0;
}

double SecondsUntil(steady_clock::time_point time) { return std::chrono::duration<double>(time - steady_clock::now()).count(); }

Status WaitBeforeTry(double seconds, const std::function<bool()>& stopped) {
  auto until = steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  while (SecondsUntil(until) > 0) {
    if (stopped && stopped()) return Cancelled();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return OkStatus();
}

}  // namespace ns
