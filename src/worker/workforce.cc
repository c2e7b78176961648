#include "worker/workforce.h"

namespace ns {

Result<std::optional<Workforce::Done>> OwnHands::Wait() {
  if (stop_.stop_requested()) return Cancelled();
  NS_CHECK(!queue_.empty(), "nothing is under way");
  Waiting next = std::move(queue_.front());
  queue_.pop_front();
  return std::optional(Done{next.id, runner_.Do(next.task, stop_), 0});
}

}  // namespace ns
