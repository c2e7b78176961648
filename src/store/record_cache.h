// The records that were read or shown last, so that a status needs no query. Private to store/. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/task_store.h"

namespace ns {

// A record read from the store may be old by the time it is put in: a write can come in between. So a reader takes a ticket first, and its
// record is kept only when nothing in that part of the cache was dropped since.
class RecordCache {
 public:
  // About `capacity` records, of each part those used last.
  explicit RecordCache(size_t capacity) : each_(capacity / kParts + 1) {}

  std::optional<TaskRecord> Find(const std::string& id);
  uint64_t Ticket(const std::string& id);
  void Put(const TaskRecord& record, uint64_t ticket);
  // A write has changed the task. Before anybody is told of it.
  void Drop(const std::string& id);

 private:
  static constexpr size_t kParts = 16;
  struct Part {
    std::mutex mutex;
    uint64_t drops = 0;
    std::list<TaskRecord> records;  // used last: first
    std::unordered_map<std::string, std::list<TaskRecord>::iterator> by_id;
  };
  Part& PartOf(const std::string& id) { return parts_[std::hash<std::string>()(id) % kParts]; }

  const size_t each_;
  std::array<Part, kParts> parts_;
};

}  // namespace ns
