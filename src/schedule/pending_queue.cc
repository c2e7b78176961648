#include "schedule/pending_queue.h"

#include <algorithm>

#include "base/status.h"

namespace ns {

int PendingQueue::ClassAt(const PendingTask& task, SteadyTime now, std::chrono::milliseconds age_step) {
  int64_t steps = now <= task.submitted ? 0 : (now - task.submitted) / age_step;
  return static_cast<int>(std::clamp<int64_t>(task.priority - steps, 1, kClasses));
}

SteadyTime PendingQueue::LeavesAt(const Item& item) const {
  return item.task->submitted + options_.age_step * (item.task->priority - item.task_class + 1);
}

PendingQueue::Submitter& PendingQueue::Find(const std::string& name) {
  auto& found = submitters_[name];
  if (found == nullptr) {
    found = std::make_unique<Submitter>();
    found->name = name;
    found->number = ++last_number_;
    found->turn = ++last_turn_;
  }
  return *found;
}

void PendingQueue::Link(Submitter& submitter, bool in) {
  if (Blocked(submitter)) return;
  int64_t share = submitter.slots;
  for (int c = 1; c <= kClasses; ++c) {
    RankedSet& queue = submitter.queues[static_cast<size_t>(c)];
    if (queue.empty()) continue;
    Class& at = classes_[static_cast<size_t>(c)];
    int64_t tasks = queue.Total().count, end = share + tasks;
    std::tuple key(submitter.slots, submitter.turn, &submitter);
    if (in) {
      at.ready.insert(key);
      at.starts.Insert({share, submitter.number}, share);
      at.ends.Insert({end, submitter.number}, end);
      at.tasks += tasks;
    } else {
      at.ready.erase(key);
      at.starts.Erase({share, submitter.number});
      at.ends.Erase({end, submitter.number});
      at.tasks -= tasks;
    }
    share = end;
  }
}

void PendingQueue::Put(Item& item, SteadyTime now) {
  item.task_class = ClassAt(*item.task, now, options_.age_step);
  size_t c = static_cast<size_t>(item.task_class);
  item.submitter->queues[c].Insert({item.task->order, 0});
  if (c > 1) classes_[c].aging.emplace(LeavesAt(item), item.task->order);
}

void PendingQueue::Add(const PendingTask& task, SteadyTime now) {
  Submitter& submitter = Find(task.submitter);
  auto [at, added] = items_.emplace(task.order, Item{&task, &submitter, 0});
  NS_CHECK(added, "order {} of task {} is there already", task.order, task.id);
  Unlink(submitter);
  Put(at->second, now);
  Link(submitter);
  Count(submitter, task, 1);
}

void PendingQueue::Count(Submitter& submitter, const PendingTask& task, int change) {
  submitter.by_priority[static_cast<size_t>(std::clamp(task.priority, 1, kClasses))] += change;
}

int64_t PendingQueue::CountOf(const std::string& name, int priority) const {
  auto found = submitters_.find(name);
  return found == submitters_.end() ? 0 : found->second->by_priority[static_cast<size_t>(std::clamp(priority, 1, kClasses))];
}

void PendingQueue::Remove(const PendingTask& task) {
  auto found = items_.find(task.order);
  NS_CHECK(found != items_.end(), "task {}", task.id);
  Item item = found->second;
  items_.erase(found);
  size_t c = static_cast<size_t>(item.task_class);
  if (c > 1) classes_[c].aging.erase({LeavesAt(item), task.order});
  Unlink(*item.submitter);
  item.submitter->queues[c].Erase({task.order, 0});
  Count(*item.submitter, task, -1);
  Link(*item.submitter);
  Forget(*item.submitter);
}

void PendingQueue::Age(SteadyTime now) {
  for (size_t c = 2; c <= kClasses; ++c) {
    auto& aging = classes_[c].aging;
    while (!aging.empty() && aging.begin()->first <= now) {
      Item& item = items_.at(aging.begin()->second);
      aging.erase(aging.begin());
      Unlink(*item.submitter);
      item.submitter->queues[c].Erase({item.task->order, 0});
      Put(item, now);
      Link(*item.submitter);
    }
  }
}

// One with nothing left would only cost memory.
void PendingQueue::Forget(Submitter& submitter) {
  bool idle = submitter.slots == 0 && submitter.running == 0 &&
              std::all_of(submitter.queues.begin(), submitter.queues.end(), [](const RankedSet& queue) { return queue.empty(); });
  if (idle) submitters_.erase(submitters_.find(submitter.name));
}

void PendingQueue::CountSlots(const std::string& name, int change) {
  Submitter& submitter = Find(name);
  Unlink(submitter);
  submitter.slots += change;
  Link(submitter);
  Forget(submitter);
}

void PendingQueue::CountRunning(const std::string& name, int change) {
  Submitter& submitter = Find(name);
  Unlink(submitter);
  submitter.running += change;
  submitter.turn = ++last_turn_;
  Link(submitter);
  Forget(submitter);
}

int PendingQueue::slots(const std::string& name) const {
  auto found = submitters_.find(name);
  return found == submitters_.end() ? 0 : found->second->slots;
}

std::vector<const PendingTask*> PendingQueue::Tasks() const {
  std::vector<const PendingTask*> tasks;
  for (const auto& [order, item] : items_) tasks.push_back(item.task);
  return tasks;
}

bool PendingQueue::AtLimit(const std::string& name) const {
  auto found = submitters_.find(name);
  return found != submitters_.end() && Blocked(*found->second);
}

std::optional<PendingQueue::Head> PendingQueue::Best() const {
  for (int c = 1; c <= kClasses; ++c) {
    const Class& at = classes_[static_cast<size_t>(c)];
    if (at.ready.empty()) continue;
    const RankedSet& queue = std::get<2>(*at.ready.begin())->queues[static_cast<size_t>(c)];
    return Head{items_.at(queue.First().first).task, c};
  }
  return std::nullopt;
}

int64_t PendingQueue::CountUpTo(int task_class) const {
  int64_t count = 0;
  for (int c = 1; c <= task_class; ++c) count += classes_[static_cast<size_t>(c)].tasks;
  return count;
}

int64_t PendingQueue::Ahead(const PendingTask& task) const {
  const Item& item = items_.at(task.order);
  const Submitter& own = *item.submitter;
  size_t c = static_cast<size_t>(item.task_class);
  int64_t before = own.queues[c].Before({task.order, 0}).count;
  int64_t own_better = 0;
  for (size_t better = 1; better < c; ++better) own_better += own.queues[better].Total().count;
  if (Blocked(own)) return own_better + before;
  // When this task's turn comes, its submitter holds `share` slots. Each other one has by then started its tasks of this class until it held
  // one more, or had none left: the sum over all others of clamp(share + 1 - start, 0, end - start).
  int64_t share = own.slots + own_better + before;
  int64_t limit = share + 1;
  const Class& at = classes_[c];
  RankedSet::Sum started = at.starts.Before({limit, 0}), used_up = at.ends.Before({limit, 0});
  int64_t all = used_up.weight + (started.count - used_up.count) * limit - started.weight;
  int64_t own_start = own.slots + own_better, own_end = own_start + own.queues[c].Total().count;
  int64_t own_part = std::clamp<int64_t>(limit - own_start, 0, own_end - own_start);
  return CountUpTo(item.task_class - 1) + all - own_part + before;
}

}  // namespace ns
