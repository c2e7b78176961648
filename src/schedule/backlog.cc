#include "schedule/backlog.h"

#include <algorithm>

#include "base/status.h"

namespace ns {

void Backlog::Add(const Queue& queue, int64_t order, std::optional<SteadyTime> deadline) {
  Orders& orders = queues_[queue];
  NS_CHECK(orders.empty() || orders.back() < order, "order {} comes after {}", order, orders.back());
  orders.push_back(order);
  if (deadline) deadlines_.emplace(*deadline, std::pair(queue, order));
}

bool Backlog::Remove(const Queue& queue, int64_t order) {
  auto found = queues_.find(queue);
  if (found == queues_.end()) return false;
  auto at = std::lower_bound(found->second.begin(), found->second.end(), order);
  if (at == found->second.end() || *at != order) return false;
  found->second.erase(at);
  if (found->second.empty()) queues_.erase(found);
  return true;
}

bool Backlog::Contains(const Queue& queue, int64_t order) const {
  auto found = queues_.find(queue);
  return found != queues_.end() && std::binary_search(found->second.begin(), found->second.end(), order);
}

std::vector<int64_t> Backlog::TakeOldest(const Queue& queue, size_t most) {
  auto found = queues_.find(queue);
  if (found == queues_.end()) return {};
  Orders& orders = found->second;
  auto end = orders.begin() + static_cast<ptrdiff_t>(std::min(most, orders.size()));
  std::vector<int64_t> taken(orders.begin(), end);
  orders.erase(orders.begin(), end);
  if (orders.empty()) queues_.erase(found);
  return taken;
}

std::vector<int64_t> Backlog::TakeOverdue(SteadyTime now) {
  std::vector<int64_t> taken;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto& [queue, order] = deadlines_.begin()->second;
    if (Remove(queue, order)) taken.push_back(order);
    deadlines_.erase(deadlines_.begin());
  }
  return taken;
}

std::optional<SteadyTime> Backlog::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

int64_t Backlog::Before(const Queue& queue, int64_t order) const {
  auto found = queues_.find(queue);
  if (found == queues_.end()) return 0;
  return std::lower_bound(found->second.begin(), found->second.end(), order) - found->second.begin();
}

int64_t Backlog::CountBetter(const std::string& submitter, int priority) const {
  int64_t count = 0;
  for (auto at = queues_.lower_bound({submitter, 0}); at != queues_.end() && at->first < Queue(submitter, priority); ++at) {
    count += static_cast<int64_t>(at->second.size());
  }
  return count;
}

int64_t Backlog::CountUpTo(int priority) const {
  int64_t count = 0;
  for (const auto& [queue, orders] : queues_) count += queue.second <= priority ? static_cast<int64_t>(orders.size()) : 0;
  return count;
}

int64_t Backlog::CountOf(const std::string& submitter) const {
  int64_t count = 0;
  for (auto at = queues_.lower_bound({submitter, 0}); at != queues_.end() && at->first.first == submitter; ++at) {
    count += static_cast<int64_t>(at->second.size());
  }
  return count;
}

std::vector<Backlog::Queue> Backlog::Those(const std::function<bool(const Queue&)>& wanted) const {
  std::vector<Queue> queues;
  for (const auto& [queue, orders] : queues_) {
    if (wanted(queue)) queues.push_back(queue);
  }
  return queues;
}

}  // namespace ns
