// A stored task as the scheduler needs it.
#pragma once

#include <string>

#include "base/clock.h"
#include "schedule/pending_queue.h"
#include "store/task_record.h"
#include "tasks/task_spec.h"

namespace ns {

// When the task has to be ready; none: it has no deadline.
std::optional<WallTime> DeadlineOf(const TaskSpec& spec, WallTime submitted);

// Its age and its deadline are told in steady time, so that a jump of the wall clock moves neither afterwards.
PendingTask MakePending(const std::string& id, int64_t order, const TaskSpec& spec, const std::string& submitter, WallTime submitted,
                        const Clock& clock);
PendingTask MakePending(const TaskRecord& task, const Clock& clock);

}  // namespace ns
