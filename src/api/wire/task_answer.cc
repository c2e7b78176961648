#include "api/wire/task_answer.h"

namespace ns {

StatusAnswer ToStatusAnswer(const TaskView& view, const std::string& result_path) {
  const TaskRecord& record = view.record;
  StatusAnswer answer;
  answer.state = record.state;
  answer.progress = view.progress;
  answer.result = record.result;
  if (record.state == TaskState::kDone) answer.result_path = result_path;
  answer.name = record.name;
  answer.reason = record.reason;
  answer.message = record.message;
  if (record.state == TaskState::kPending && record.message.empty()) {
    answer.message = view.ahead > 0 ? fmt::format("waits for a free slot; {} tasks are ahead", view.ahead) : "waits for a free slot";
  }
  answer.attempt = record.attempt;
  answer.ahead = view.ahead;
  answer.submitted = record.submitted;
  answer.started = record.started;
  answer.ended = record.ended;
  return answer;
}

TaskSummary ToTaskSummary(const TaskRecord& record, const std::string& result_path) {
  TaskSummary summary;
  summary.order = record.order;
  summary.id = record.id;
  summary.name = record.name;
  summary.state = record.state;
  summary.priority = record.priority;
  summary.spec_json = record.spec_json;
  if (record.result) summary.result_json = OptimizedResultJson(*record.result);
  if (record.state == TaskState::kDone) summary.result_path = result_path;
  summary.reason = record.reason;
  summary.message = record.message;
  summary.submitted = record.submitted;
  summary.started = record.started;
  summary.ended = record.ended;
  return summary;
}

}  // namespace ns
