// The folded events of the tasks that were asked for last.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "tasks/task_progress.h"

namespace ns {

// An entry is of one state of the event log, named by its last number: another number finds nothing. Thread-safe.
class ProgressCache {
 public:
  explicit ProgressCache(size_t capacity) : capacity_(capacity) {}

  std::optional<TaskProgress> Find(const std::string& id, int64_t last_event) {
    std::lock_guard lock(mutex_);
    auto found = by_id_.find(id);
    if (found == by_id_.end() || found->second->last_event != last_event) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->progress;
  }

  void Put(const std::string& id, int64_t last_event, const TaskProgress& progress) {
    std::lock_guard lock(mutex_);
    if (auto found = by_id_.find(id); found != by_id_.end()) {
      entries_.erase(found->second);
    } else if (entries_.size() >= capacity_) {
      by_id_.erase(entries_.back().id);
      entries_.pop_back();
    }
    entries_.push_front({id, last_event, progress});
    by_id_[id] = entries_.begin();
  }

 private:
  struct Entry {
    std::string id;
    int64_t last_event = 0;
    TaskProgress progress;
  };
  const size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // used last: first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id_;
};

}  // namespace ns
