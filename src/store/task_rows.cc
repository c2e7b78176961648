#include "store/task_rows.h"

#include <chrono>
#include <variant>

#include "tasks/task_event.h"

namespace ns {

namespace {

WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

}  // namespace

TaskRecord ReadTask(const Statement& row) {
  TaskRecord task;
  task.order = row.Int(0);
  task.id = row.Text(1);
  task.state = ParseTaskState(row.Text(2)).value_or(TaskState::kFailed);
  task.priority = static_cast<int>(row.Int(3));
  task.name = row.Text(4);
  task.spec_json = row.Text(5);
  task.model_path = row.Text(6);
  task.dataset_path = row.Text(7);
  task.calibration_path = row.Text(8);
  task.submitted = FromMicros(row.Int(9));
  if (auto time = row.OptionalInt(10)) task.started = FromMicros(*time);
  if (auto time = row.OptionalInt(11)) task.ended = FromMicros(*time);
  task.attempt = static_cast<int>(row.Int(12));
  task.lost = static_cast<int>(row.Int(13));
  task.reason = row.Text(14);
  task.message = row.Text(15);
  if (std::string text = row.Text(16); !text.empty()) {
    if (auto result = ParseEventPayload("result", text); result.ok()) task.result = std::get<ResultEvent>(*result);
  }
  task.owner = row.Text(17);
  task.submitter = row.Text(18);
  task.events = row.Int(19);
  task.assistants = static_cast<int>(row.Int(20));
  return task;
}

Result<std::vector<TaskRecord>> ReadTasks(Statement& query) {
  std::vector<TaskRecord> tasks;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return tasks;
    tasks.push_back(ReadTask(query));
  }
}

}  // namespace ns
