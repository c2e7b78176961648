// Pending tasks that the scheduler need not know yet: each waits behind older ones of its submitter and priority that it knows, more than there are
// slots, so none of them can be next. Only their places are here, eight bytes a task; what they ask for stays in the store until they come near.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace ns {

class Backlog {
 public:
  using Queue = std::pair<std::string, int>;  // submitter, priority

  // A task behind all that are in its queue. `deadline`: TakeOverdue() gives it back then.
  void Add(const Queue& queue, int64_t order, std::optional<SteadyTime> deadline);
  // False: it is not there.
  bool Remove(const Queue& queue, int64_t order);
  bool Contains(const Queue& queue, int64_t order) const;
  bool Has(const Queue& queue) const { return queues_.contains(queue); }
  // Takes out the oldest of a queue, `most` at most.
  std::vector<int64_t> TakeOldest(const Queue& queue, size_t most);
  // Takes out those whose deadline has passed.
  std::vector<int64_t> TakeOverdue(SteadyTime now);
  std::optional<SteadyTime> next_deadline() const;

  // Those of its queue that are older.
  int64_t Before(const Queue& queue, int64_t order) const;
  // Of this submitter with a priority better than `priority`; of all submitters with `priority` or a better one.
  int64_t CountBetter(const std::string& submitter, int priority) const;
  int64_t CountUpTo(int priority) const;
  int64_t CountOf(const std::string& submitter) const;
  // Queues for which `wanted` is true.
  std::vector<Queue> Those(const std::function<bool(const Queue&)>& wanted) const;
  bool empty() const { return queues_.empty(); }

 private:
  using Orders = std::deque<int64_t>;  // ascending

  std::map<Queue, Orders> queues_;  // none is empty
  std::multimap<SteadyTime, std::pair<Queue, int64_t>> deadlines_;  // also of tasks that have gone since
};

}  // namespace ns
