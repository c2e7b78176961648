#include "store/record_cache.h"

namespace ns {

std::optional<TaskRecord> RecordCache::Find(const std::string& id) {
  Part& part = PartOf(id);
  std::lock_guard lock(part.mutex);
  auto found = part.by_id.find(id);
  if (found == part.by_id.end()) return std::nullopt;
  part.records.splice(part.records.begin(), part.records, found->second);
  return *found->second;
}

uint64_t RecordCache::Ticket(const std::string& id) {
  Part& part = PartOf(id);
  std::lock_guard lock(part.mutex);
  return part.drops;
}

void RecordCache::Put(const TaskRecord& record, uint64_t ticket) {
  Part& part = PartOf(record.id);
  std::lock_guard lock(part.mutex);
  if (part.drops != ticket || part.by_id.contains(record.id)) return;
  if (part.records.size() >= each_) {
    part.by_id.erase(part.records.back().id);
    part.records.pop_back();
  }
  part.records.push_front(record);
  part.by_id[record.id] = part.records.begin();
}

void RecordCache::Drop(const std::string& id) {
  Part& part = PartOf(id);
  std::lock_guard lock(part.mutex);
  ++part.drops;
  auto found = part.by_id.find(id);
  if (found == part.by_id.end()) return;
  part.records.erase(found->second);
  part.by_id.erase(found);
}

}  // namespace ns
