#include "service/task_writes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"

namespace ns {

namespace {

// The store's own answer, which stays what it is. Anything else is a fault of the machine, and may go.
bool IsRefusal(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition || status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kInvalidArgument;
}

}  // namespace

void TaskWrites::Add(const std::string& task, std::string what, std::function<void(Done)> write, Done then, Done delayed) {
  Queue& queue = queues_[task];
  bool told = !queue.failure.ok() && delayed != nullptr;
  queue.entries.push_back({std::move(what), std::move(write), std::move(then), told ? Done() : delayed});
  if (queue.entries.size() == 1) return MakeFirst(task);
  if (told) delayed(Status(queue.failure));
}

bool TaskWrites::idle() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& entry) { return !entry.second.failure.ok(); });
}

void TaskWrites::MakeFirst(const std::string& task) {
  auto write = queues_.at(task).entries.front().write;
  write([this, task](Status status) {
    thread_.post([this, task, status = std::move(status)] { Ended(task, status); });
  });
}

void TaskWrites::Ended(const std::string& task, const Status& status) {
  Queue& queue = queues_.at(task);
  queue.failure = status.ok() || IsRefusal(status) ? OkStatus() : status;
  if (!queue.failure.ok()) return TryAgain(task, queue);
  Entry entry = std::move(queue.entries.front());
  queue.entries.pop_front();
  bool more = !queue.entries.empty();
  if (!more) queues_.erase(task);
  if (!status.ok() && !entry.then) LogWarning("{}: {}", entry.what, status.ToString());
  if (more) MakeFirst(task);  // before `then`, which may add to the queue
  if (entry.then) entry.then(status);
}

void TaskWrites::TryAgain(const std::string& task, Queue& queue) {
  LogError("{}: {}; trying again", queue.entries.front().what, queue.failure.ToString());
  thread_.post_later(kRetry, [this, task] { MakeFirst(task); });
  std::vector<Done> delayed;
  for (Entry& entry : queue.entries) {
    if (entry.delayed) delayed.push_back(std::exchange(entry.delayed, {}));
  }
  Status failure = queue.failure;
  for (Done& tell : delayed) tell(failure);  // may add to the queue
}

}  // namespace ns
