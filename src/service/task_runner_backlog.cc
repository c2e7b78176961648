// Pending tasks that the scheduler does not know yet: when they wait so, and when it is told of them.
#include <algorithm>

#include "base/log.h"
#include "service/pending_task.h"
#include "service/task_runner.h"

namespace ns {

namespace {

constexpr size_t kToldTogether = 500;
constexpr auto kAgainAfter = std::chrono::seconds(1);

}  // namespace

// One more than could start by one decision, so that whoever is next is among them.
int64_t TaskRunner::LeastKnown(int more_slots) const { return scheduler_.total_slots() + more_slots + 1; }

bool TaskRunner::MayWaitUnknown(const Backlog::Queue& queue) const {
  if (backlog_.Has(queue)) return true;
  return scheduler_.pending() >= most_known_ && scheduler_.queue().CountOf(queue.first, queue.second) >= LeastKnown(0);
}

void TaskRunner::Refill(int more_slots) {
  if (refilling_ || Has(SeededBug::kForgetBacklog)) return;
  refilling_ = true;
  while (true) {
    std::vector<std::vector<int64_t>> next;
    {
      std::lock_guard lock(mutex_);
      if (backlog_.empty() || !untold_.empty()) break;  // older ones first
      auto short_of = backlog_.Those([&](const Backlog::Queue& queue) {
        return scheduler_.queue().CountOf(queue.first, queue.second) < LeastKnown(more_slots);
      });
      size_t most = std::clamp<size_t>(most_known_ / 2, 1, kToldTogether);
      for (const Backlog::Queue& queue : short_of) next.push_back(backlog_.TakeOldest(queue, most));
    }
    if (next.empty()) break;
    for (const auto& orders : next) Tell(orders, false);
  }
  refilling_ = false;
}

// `overdue`: their deadline has passed, by the clock that does not jump.
void TaskRunner::Tell(const std::vector<int64_t>& orders, bool overdue) {
  auto tasks = journal_.Pending(orders);
  if (!tasks.ok()) {
    LogError("waiting tasks cannot be read: {}", tasks.status().ToString());
    std::lock_guard lock(mutex_);
    untold_.insert(untold_.end(), orders.begin(), orders.end());
    tell_again_at_ = clock_.steady() + kAgainAfter;
    return;
  }
  for (const TaskRecord& task : *tasks) {
    PendingTask pending = MakePending(task, clock_);
    if (overdue) pending.deadline = clock_.steady();
    TellScheduler(pending);
  }
}

void TaskRunner::TellOverdue() {
  std::vector<int64_t> overdue, again;
  {
    std::lock_guard lock(mutex_);
    overdue = backlog_.TakeOverdue(clock_.steady());
    if (tell_again_at_ <= clock_.steady()) again.swap(untold_);
  }
  if (!again.empty()) {
    Tell(again, false);
    Refill();
  }
  if (!overdue.empty()) Tell(overdue, true);
}

std::optional<FinishAction> TaskRunner::CancelUnknown(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    if (backlog_.empty()) return std::nullopt;
  }
  auto task = journal_.Get(id);
  if (!task.ok()) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (!backlog_.Remove({task->submitter, task->priority}, task->order)) return std::nullopt;
  return Scheduler::Cancelled(id, task->attempt);
}

// After a restart.
Status TaskRunner::TakeUpPending() {
  std::vector<std::pair<int, int64_t>> known;  // priority, order
  std::map<Backlog::Queue, int64_t> known_of;
  NS_RETURN_IF_ERROR(journal_.EachPending([&](const TaskRecord& task) {
    std::lock_guard lock(mutex_);
    Backlog::Queue queue(task.submitter, task.priority);
    int64_t& count = known_of[queue];
    if (backlog_.Has(queue) || (known.size() >= most_known_ && count >= LeastKnown(0))) {
      return backlog_.Add(queue, task.order, task.spec_json.empty() ? std::nullopt : MakePending(task, clock_).deadline);
    }
    ++count;
    known.emplace_back(task.priority, task.order);
  }));
  std::sort(known.begin(), known.end());
  refilling_ = true;  // not before all of these are told, which are older
  std::vector<int64_t> orders;
  for (size_t at = 0; at < known.size(); ++at) {
    orders.push_back(known[at].second);
    if (orders.size() == kToldTogether || at + 1 == known.size()) Tell(std::exchange(orders, {}), false);
  }
  refilling_ = false;
  Refill();
  return OkStatus();
}

}  // namespace ns
