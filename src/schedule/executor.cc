#include "schedule/executor.h"

namespace ns {

Status Executor::StartAssistant(const AttemptPlace& place, int worker) {
  return FailedPrecondition(fmt::format("worker {} of task {}: this executor runs one worker a task", worker, place.task_id), "NO_ASSISTANTS");
}

void Executor::AdoptAssistant(const AttemptPlace& place, int worker) {
  NS_CHECK(false, "worker {} of task {}: this executor runs one worker a task", worker, place.task_id);
}

void Executor::StopAssistant(const std::string& task_id, int attempt, int worker) {
  NS_CHECK(false, "worker {} of task {} attempt {}: this executor runs one worker a task", worker, task_id, attempt);
}

}  // namespace ns
