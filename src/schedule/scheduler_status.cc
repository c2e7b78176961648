// What the scheduler says about a task.
#include "base/status.h"
#include "schedule/scheduler.h"

namespace ns {

std::optional<WaitReason> Scheduler::WhyWaits(const std::string& id, SteadyTime now, int64_t more) const {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.phase == Phase::kRunning) return std::nullopt;
  const Task& task = found->second;
  if (task.phase == Phase::kBackingOff) {
    auto left = std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(task.not_before - now).count());
    return WaitReason{"BACKING_OFF", fmt::format("its worker was lost; it is tried again in {:.1f} s", static_cast<double>(left) / 1000), 0};
  }
  return WhyWaitsBehind(task.info.submitter, queue_.Ahead(task.info) + more);
}

WaitReason Scheduler::WhyWaitsBehind(const std::string& submitter, int64_t ahead) const {
  WaitReason why{"WAITS_FOR_SLOT", "waits for a free slot", ahead};
  if (dispatching_ == Dispatching::kDraining) {
    why.reason = "DRAINING";
    why.message = "the service is stopping; it starts after the next start of the service";
  } else if (dispatching_ == Dispatching::kPaused) {
    why.reason = "PAUSED";
    why.message = "the service starts no tasks now";
  } else if (total_slots_ == 0) {
    why.reason = "NO_NODES";
    why.message = nodes_.empty() ? "the cluster has no node" : "no node of the cluster can be used now; the command cluster --query says why";
  } else if (queue_.AtLimit(submitter)) {
    why.reason = "SUBMITTER_LIMIT";
    why.message = fmt::format("its submitter runs {} tasks, as many as it may", options_.queue.max_running);
  }
  if (why.ahead > 0) why.message += fmt::format("; {} {} ahead", why.ahead, why.ahead == 1 ? "task is" : "tasks are");
  return why;
}

std::optional<WorkersOf> Scheduler::Workers(const std::string& id) const {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.phase != Phase::kRunning) return std::nullopt;
  const PendingTask& task = found->second.info;
  WorkersOf workers{task.workers, HasLead(id, task.attempt) ? 1 : 0, Most(task), {}, ""};
  auto team = teams_.find(id);
  if (team != teams_.end()) {
    workers.now += team->second.size();
    if (team->second.useful != INT_MAX) workers.useful = team->second.useful;
  }
  if (task.alone && task.workers > 1) {
    workers.why = "a script runs on one worker";
  } else if (workers.useful && *workers.useful < workers.most) {
    workers.why = fmt::format("it has work for {} now, and leaves the other slots to other tasks", *workers.useful);
  } else if (workers.most < workers.asked && workers.most == options_.max_workers_per_task) {
    workers.why = fmt::format("a task may have {} worker{} here", workers.most, workers.most == 1 ? "" : "s");
  } else if (workers.most < workers.asked) {
    workers.why = fmt::format("the cluster has {} slot{}", total_slots_, total_slots_ == 1 ? "" : "s");
  } else if (team != teams_.end() && team->second.gone() > 0) {
    workers.why = fmt::format("{} of its workers {} lost {} times", team->second.gone(), team->second.gone() == 1 ? "was" : "were", options_.max_lost);
  }
  return workers;
}

}  // namespace ns
