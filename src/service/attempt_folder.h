// The folder in which an attempt's worker works, and what its end means.
#pragma once

#include <optional>

#include "base/status.h"
#include "schedule/executor.h"
#include "schedule/scheduler.h"
#include "service/attempt_files.h"
#include "service/workspace.h"
#include "store/task_record.h"
#include "tasks/task_progress.h"

namespace ns {

// Clears what an earlier attempt left (its events are kept as events.<attempt>.jsonl), writes task.json and an empty events.jsonl, and puts
// what the user should know into the task's log.
Status PrepareAttempt(const Workspace& workspace, const TaskRecord& task, const WorkerPlace& lead);

// Removes what a worker had under way when it was killed: its temporary files and the result that was not complete. When no worker runs.
void RemoveScratch(const Workspace& workspace, const std::string& id);

// Done: exit code 0, a result event and a report. Failed: a reason of the supervisor's (a step failed, a limit was reached), exit code 1 or 2 with a reason of the worker's own, exit code 0 without a result,
// a program that could not be run, or exit code 28 (DISK_FULL): trying again would fill the disk again. Everything else is lost, but for one that was
// never started.
AttemptEnd JudgeExit(const WorkerExit& exit, const TaskProgress& progress, bool has_report);

// The three above and the task's log, for the task runner.
class WorkspaceFiles final : public AttemptFiles {
 public:
  explicit WorkspaceFiles(const Workspace& workspace) : workspace_(workspace) {}
  WorkerPlace PlaceOf(const WorkerId& id) const override;
  Status Prepare(const TaskRecord& task, const WorkerPlace& lead) override;
  void RemoveScratch(const std::string& id) override;
  void RemoveWorker(const WorkerId& assistant) override;
  bool HasReport(const std::string& id) const override;
  void Log(const std::string& id, const std::string& line) override;

 private:
  const Workspace& workspace_;
};

// Adds a line to the task's log.
void AppendToTaskLog(const Workspace& workspace, const std::string& id, std::string_view line);

}  // namespace ns
