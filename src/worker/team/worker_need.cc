#include "worker/team/worker_need.h"

#include <algorithm>

namespace ns {

std::optional<WorkersEvent> WorkerNeed::Update(int joined, int busy, bool could_use_more, double idle_seconds) {
  if (most_ <= 1) return std::nullopt;
  surplus_ = !could_use_more && busy < joined && idle_seconds > surplus_seconds_;
  if (could_use_more) {
    useful_ = most_;
  } else if (surplus_) {
    useful_ = std::max(1, busy);
  } else if (!told_) {
    useful_ = most_;  // too early to say
  }
  WorkersEvent now{useful_, joined};
  if (told_ == now) return std::nullopt;
  told_ = now;
  return now;
}

}  // namespace ns
