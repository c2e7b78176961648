// What the task runner needs of the task's folder, as an interface with the workspace's behind it.
#pragma once

#include <string>

#include "base/status.h"
#include "schedule/executor.h"
#include "store/task_record.h"

namespace ns {

class AttemptFiles {
 public:
  virtual ~AttemptFiles() = default;
  // Where a worker's files are; its slot is left open.
  virtual WorkerPlace PlaceOf(const WorkerId& id) const = 0;
  // Makes the folder ready for this lead.
  virtual Status Prepare(const TaskRecord& task, const WorkerPlace& lead) = 0;
  // Removes what a worker that has ended had under way.
  virtual void RemoveScratch(const std::string& id) = 0;
  // Removes what an assistant had that has ended.
  virtual void RemoveWorker(const WorkerId& assistant) = 0;
  // The attempt's result is complete.
  virtual bool HasReport(const std::string& id) const = 0;
  // A line in the task's log, for the user.
  virtual void Log(const std::string& id, const std::string& line) = 0;
};

}  // namespace ns
