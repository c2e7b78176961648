#include "store/store_metrics.h"

namespace ns {

namespace {

Counter& EndedCounter(TaskState state) {
  return Metrics().counter("neural_solution_tasks_ended_total", "Tasks ended since the start.", {{"state", std::string(TaskStateName(state))}});
}

}  // namespace

StoreMetrics::StoreMetrics()
    : queue_seconds(Metrics().histogram("neural_solution_task_queue_seconds", "Time from a task's submission to its first attempt.", TaskSeconds())),
      run_seconds(Metrics().histogram("neural_solution_task_run_seconds", "Time from a task's first attempt to its end.", TaskSeconds())),
      submitted(Metrics().counter("neural_solution_tasks_submitted_total", "Tasks accepted since the start.")),
      attempts(Metrics().counter("neural_solution_attempts_total", "Attempts begun since the start.")),
      attempts_lost(Metrics().counter("neural_solution_attempts_lost_total", "Attempts whose worker was lost since the start.")),
      ended_done(EndedCounter(TaskState::kDone)),
      ended_failed(EndedCounter(TaskState::kFailed)),
      ended_cancelled(EndedCounter(TaskState::kCancelled)),
      events(Metrics().counter("neural_solution_task_events_total", "Events of workers stored since the start.")) {}

void StoreMetrics::Ended(TaskState state) {
  (state == TaskState::kDone ? ended_done : state == TaskState::kCancelled ? ended_cancelled : ended_failed).Add();
}

}  // namespace ns
