// The task runner's nodes, and where its workers are.
#include "service/task_runner.h"

namespace ns {

std::optional<Scheduler::NodeUse> TaskRunner::UseOf(int64_t node) const {
  std::lock_guard lock(mutex_);
  return scheduler_.UseOf(node);
}

void TaskRunner::Where(const WorkerId& worker, const WorkerWhere& where) {
  std::lock_guard lock(mutex_);
  where_[worker] = where;
}

std::map<int, WorkerWhere> TaskRunner::WhereOf(const std::string& id) const {
  std::lock_guard lock(mutex_);
  std::map<int, WorkerWhere> places;
  for (auto at = where_.lower_bound({id, 0, 0}); at != where_.end() && at->first.task_id == id; ++at) places[at->first.worker] = at->second;
  return places;
}

}  // namespace ns
