#include "service/task_writes.h"

#include <algorithm>

#include "base/log.h"

namespace ns {

void TaskWrites::Add(const std::string& task, std::string what, std::function<void(Done)> write, Done then) {
  Queue& queue = queues_[task];
  queue.entries.push_back({std::move(what), std::move(write), std::move(then)});
  if (queue.entries.size() == 1) MakeFirst(task);
}

bool TaskWrites::idle() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& entry) { return entry.second.failing; });
}

void TaskWrites::MakeFirst(const std::string& task) {
  auto write = queues_.at(task).entries.front().write;
  write([this, task](Status status) {
    thread_.post([this, task, status = std::move(status)] { Ended(task, status); });
  });
}

void TaskWrites::Ended(const std::string& task, const Status& status) {
  Queue& queue = queues_.at(task);
  queue.failing = status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kUnavailable;
  if (queue.failing) {
    LogError("{}: {}; trying again", queue.entries.front().what, status.ToString());
    return thread_.post_later(kRetry, [this, task] { MakeFirst(task); });
  }
  Entry entry = std::move(queue.entries.front());
  queue.entries.pop_front();
  bool more = !queue.entries.empty();
  if (!more) queues_.erase(task);
  if (!status.ok() && !entry.then) LogWarning("{}: {}", entry.what, status.ToString());
  if (more) MakeFirst(task);  // before `then`, which may add to the queue
  if (entry.then) entry.then(status);
}

}  // namespace ns
