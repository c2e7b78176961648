#include "tune/stop_condition.h"

#include <fmt/format.h>

namespace ns {

bool StopCondition::Reached(int trials, double elapsed_seconds, std::string* why) const {
  if (trials >= max_trials) {
    if (why != nullptr)
      *why = fmt::format("the {} trial{} allowed {} used up", max_trials, max_trials == 1 ? "" : "s",
                         max_trials == 1 ? "is" : "are");
    return true;
  }
  if (timeout_seconds > 0 && elapsed_seconds >= timeout_seconds) {
    if (why != nullptr) *why = fmt::format("the {:g} s allowed have passed", timeout_seconds);
    return true;
  }
  return false;
}

}  // namespace ns
