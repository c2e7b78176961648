#include "service/task_runner.h"

#include <limits>

#include "base/log.h"
#include "service/attempt_folder.h"
#include "service/pending_task.h"

namespace ns {

namespace {

bool TellsState(const TaskEvent& event) { return std::holds_alternative<StateEvent>(event.payload); }

bool WorkersMayTell(const TaskEvent& event) {
  auto* state = std::get_if<StateEvent>(&event.payload);
  return state == nullptr || state->state == TaskState::kFailed;
}

}  // namespace

TaskRunner::TaskRunner(const Scheduler::Options& options, TaskJournal& journal, Executor& executor, AttemptFiles& files, const Clock& clock,
                       TaskWrites::Thread thread)
    : bug_(options.bug),
      most_known_(options.most_known),
      journal_(journal),
      executor_(executor),
      files_(files),
      clock_(clock),
      scheduler_(options),
      writes_(std::move(thread)) {}

template <typename Call>
void TaskRunner::Decide(Call call) {
  std::vector<Action> actions;
  {
    std::lock_guard lock(mutex_);
    actions = call(scheduler_);
  }
  Carry(actions);
  if (!actions.empty()) Refill();
}

void TaskRunner::Carry(const std::vector<Action>& actions) {
  for (const Action& action : actions) std::visit([this](const auto& one) { Do(one); }, action);
}

void TaskRunner::AddNode(int64_t node, const std::vector<std::vector<int>>& slots) {
  Refill(static_cast<int>(slots.size()));
  Decide([&](Scheduler& scheduler) {
    for (size_t i = 0; i < slots.size(); ++i) cores_[Scheduler::SlotOf(node, static_cast<int>(i))] = slots[i];
    return scheduler.AddNode(node, static_cast<int>(slots.size()), clock_.steady());
  });
}

void TaskRunner::RemoveNode(int64_t node) {
  Decide([&](Scheduler& scheduler) { return scheduler.RemoveNode(node, clock_.steady()); });
}

void TaskRunner::SetNodeUp(int64_t node, bool up) {
  Decide([&](Scheduler& scheduler) { return scheduler.SetNodeUp(node, up, clock_.steady()); });
}

void TaskRunner::Tick() {
  TellOverdue();
  Decide([&](Scheduler& scheduler) { return scheduler.Tick(clock_.steady()); });
  if (idle_.empty() || running() > 0 || !writes_.idle()) return;
  for (auto& idle : std::exchange(idle_, {})) idle();
}

WorkerPlace TaskRunner::PlaceOf(const WorkerId& id, int slot) const {
  WorkerPlace place = files_.PlaceOf(id);
  std::lock_guard lock(mutex_);
  auto found = cores_.find(slot);
  if (found != cores_.end()) place.cores = found->second;
  if (slot >= 0) {
    place.node = slot / Scheduler::kMaxSlotsOfNode;
    place.slot = slot % Scheduler::kMaxSlotsOfNode;
  }
  return place;
}

void TaskRunner::Do(const StartAction& action) {
  {
    std::lock_guard lock(mutex_);
    running_[action.id] = {action.attempt, {}};
  }
  writes_.Add(
      action.id, fmt::format("start of task {}", action.id),
      [this, action](TaskWrites::Done done) { journal_.BeginAttempt(action.id, action.attempt, action.slot, std::move(done)); },
      [this, action](Status status) {
        if (Has(SeededBug::kStartBeforeCommit) && status.ok()) return;
        if (status.ok()) return StartWorker(action);
        AttemptEnded(action.id, action.attempt, {AttemptEnd::Kind::kFailed, status.reason(), status.message()});
      });
  if (Has(SeededBug::kStartBeforeCommit)) StartWorker(action);
}

void TaskRunner::StartWorker(const StartAction& action) {
  auto lost = [&](const std::string& message) {
    AttemptEnded(action.id, action.attempt, {AttemptEnd::Kind::kLost, "WORKER_NOT_STARTED", message});
  };
  WorkerPlace place = PlaceOf({action.id, 0, action.attempt}, action.slot);
  if (stopping_.contains(place.id)) return lost("stopped before it started");
  auto task = journal_.Get(action.id);
  if (!task.ok()) return lost(task.status().message());
  WorkerPlace seen = place;
  if (executor_.uses_other_machines()) seen.cores.clear();  // numbers of another machine: its supervisor chooses, and the worker uses what it may
  Status status = files_.Prepare(*task, seen);
  if (status.ok()) status = executor_.Start(place);
  if (status.ok()) {
    LogInfo("task {} attempt {} started on slot {}", action.id, action.attempt, action.slot);
    return;
  }
  LogError("task {} attempt {}: {}", action.id, action.attempt, status.ToString());
  lost(fmt::format("its worker could not be started: {}", status.message()));
}

void TaskRunner::Do(const AssistAction& action) {
  const WorkerId& worker = action.worker;
  writes_.Add(
      worker.task_id, fmt::format("start of assistant {} of task {}", worker.worker, worker.task_id),
      [this, action](TaskWrites::Done done) { journal_.BeginAssistant(action.worker, action.slot, std::move(done)); },
      [this, action](Status status) {
        if (status.ok()) return StartAssistant(action);
        AssistantEnded(action.worker, AssistantEnd::kNotStarted, status.message());
      });
}

void TaskRunner::StartAssistant(const AssistAction& action) {
  if (stopping_.contains(action.worker)) return AssistantEnded(action.worker, AssistantEnd::kNotStarted, "");
  Status status = executor_.Start(PlaceOf(action.worker, action.slot));
  if (!status.ok()) return AssistantEnded(action.worker, AssistantEnd::kLost, status.message());
  LogInfo("task {}: worker {} started on slot {}", action.worker.task_id, action.worker.worker, action.slot);
}

void TaskRunner::Do(const ReleaseAction& action) {
  stopping_.insert(action.worker);
  executor_.Stop(action.worker);
}

void TaskRunner::Do(const StopAction& action) {
  const WorkerId lead{action.id, 0, action.attempt};
  stopping_.insert(lead);
  executor_.Stop(lead);
}

void TaskRunner::Do(const FinishAction& action) {
  TaskEnd end{action.state, action.reason, action.message, std::nullopt};
  {
    std::lock_guard lock(mutex_);
    auto running = running_.find(action.id);
    bool own = running != running_.end() && running->second.attempt == action.attempt;
    if (action.state == TaskState::kDone && own) end.result = running->second.progress.result;
  }
  LogInfo("task {} {}{}{}", action.id, TaskStateName(action.state), action.message.empty() ? "" : ": ", action.message);
  if (action.state == TaskState::kFailed) files_.Log(action.id, "failed: " + action.message);
  writes_.Add(
      action.id, fmt::format("end of task {}", action.id),
      [this, action, end](TaskWrites::Done done) { journal_.Finish(action.id, action.attempt, end, std::move(done)); },
      [this, action](Status status) {
        if (!status.ok()) LogWarning("end of task {}: {}", action.id, status.ToString());
        Forget(action.id, action.attempt);
        task_ended_();
      });
}

void TaskRunner::Do(const RequeueAction& action) {
  LogWarning("task {} attempt {}: {}", action.id, action.attempt, action.message);
  files_.Log(action.id, action.message);
  writes_.Add(action.id, fmt::format("retry of task {}", action.id), [this, action](TaskWrites::Done done) {
    journal_.Requeue(action.id, action.attempt, action.lost, action.message, std::move(done));
  });
  Forget(action.id, action.attempt);
}

void TaskRunner::Forget(const std::string& id, int attempt) {
  std::lock_guard lock(mutex_);
  auto running = running_.find(id);
  if (running != running_.end() && running->second.attempt <= attempt) running_.erase(running);
}

void TaskRunner::AttemptEnded(const std::string& id, int attempt, const AttemptEnd& end) {
  // A worker that was given up may come back late: its folder has gone to another attempt.
  bool known = scheduler_.HasLead(id, attempt);
  if (Has(SeededBug::kHearStale) && !known) {
    std::lock_guard lock(mutex_);
    auto other = running_.find(id);
    if (other != running_.end()) attempt = other->second.attempt;
  } else if (!known) {
    return LogWarning("task {} attempt {} ended when it was over already", id, attempt);
  }
  stopping_.erase({id, 0, attempt});
  files_.RemoveScratch(id);
  Decide([&](Scheduler& scheduler) { return scheduler.Exited(id, attempt, end, clock_.steady()); });
  // After the task's own record, so that a crash between the two leaves an attempt to adopt, never a task without one.
  static constexpr const char* kOutcomes[] = {"done", "failed", "lost", "interrupted"};
  std::string outcome = kOutcomes[static_cast<size_t>(end.kind)];
  writes_.Add(id, fmt::format("end of attempt {} of task {}", attempt, id),
              [this, id, attempt, outcome](TaskWrites::Done done) { journal_.CloseAttempt(id, attempt, outcome, std::move(done)); });
}

void TaskRunner::AssistantEnded(const WorkerId& assistant, AssistantEnd end, const std::string& message) {
  const std::string& id = assistant.task_id;
  bool told = stopping_.erase(assistant) > 0;
  if (end == AssistantEnd::kLost && !told) {
    LogWarning("task {}: worker {} was lost: {}", id, assistant.worker, message);
    files_.Log(id, fmt::format("worker {} was lost: {}", assistant.worker, message));
  }
  files_.RemoveWorker(assistant);
  // First, so that after a crash the slot is never given twice: what is written early is only adopted in vain.
  writes_.Add(id, fmt::format("end of assistant {} of task {}", assistant.worker, id),
              [this, assistant](TaskWrites::Done done) { journal_.EndAssistant(assistant, std::move(done)); });
  Decide([&](Scheduler& scheduler) { return scheduler.AssistantExited(assistant, end, clock_.steady()); });
}

void TaskRunner::Submitted(const PendingTask& task) {
  {
    std::lock_guard lock(mutex_);
    Backlog::Queue queue(task.submitter, task.priority);
    if (MayWaitUnknown(queue)) return backlog_.Add(queue, task.order, task.deadline);
  }
  TellScheduler(task);
}

void TaskRunner::TellScheduler(const PendingTask& task) {
  Decide([&](Scheduler& scheduler) { return scheduler.Submit(task, clock_.steady()); });
}

void TaskRunner::SetDispatching(Dispatching dispatching) {
  Decide([&](Scheduler& scheduler) { return scheduler.SetDispatching(dispatching, clock_.steady()); });
}

void TaskRunner::StopWorkers() {
  Decide([](Scheduler& scheduler) { return scheduler.StopAll(); });
}

void TaskRunner::WhenIdle(std::function<void()> idle) { idle_.push_back(std::move(idle)); }

void TaskRunner::Events(const WorkerId& lead, std::vector<TaskEvent> events) {
  const std::string& id = lead.task_id;
  const int attempt = lead.fence;
  std::optional<int> useful;
  {
    std::lock_guard lock(mutex_);
    auto found = running_.find(id);
    if (found != running_.end() && (found->second.attempt == attempt || Has(SeededBug::kHearStale))) {
      for (const TaskEvent& event : events) {
        if (!WorkersMayTell(event)) continue;
        found->second.progress.Apply(event.payload);
        if (auto* workers = std::get_if<WorkersEvent>(&event.payload)) useful = workers->useful;
      }
    }
  }
  // What becomes of a task its own records tell. A failure that is not stored is read again by a service that starts before the worker's end.
  std::erase_if(events, TellsState);
  if (events.empty()) return;
  writes_.Add(id, fmt::format("events of task {}", id), [this, id, attempt, events = std::move(events)](TaskWrites::Done done) {
    journal_.AppendEvents(id, attempt, events, std::move(done));
  });
  if (useful) Decide([&](Scheduler& scheduler) { return scheduler.Useful(id, attempt, *useful, clock_.steady()); });
}

void TaskRunner::Exit(const WorkerId& worker, const WorkerExit& exit) {
  {
    std::lock_guard lock(mutex_);
    where_.erase(worker);
  }
  const std::string& id = worker.task_id;
  const int attempt = worker.fence;
  if (!worker.lead()) {
    bool sent_away = exit.known && exit.reason.empty() && exit.exit.signal == 0 && exit.exit.exit_code == 0;
    auto end = exit.never_started ? AssistantEnd::kNotStarted : sent_away ? AssistantEnd::kSentAway : AssistantEnd::kLost;
    return AssistantEnded(worker, end, !exit.message.empty() ? exit.message : exit.known ? exit.exit.ToString() : "gone without a word");
  }
  TaskProgress progress;
  {
    std::lock_guard lock(mutex_);
    auto found = running_.find(id);
    if (found != running_.end() && (found->second.attempt == attempt || Has(SeededBug::kHearStale))) progress = found->second.progress;
  }
  AttemptEnded(id, attempt, JudgeExit(exit, progress, files_.HasReport(id)));
}

std::optional<SteadyTime> TaskRunner::next_tick() const {
  std::lock_guard lock(mutex_);
  auto next = scheduler_.next_tick();
  auto deadline = backlog_.next_deadline();
  if (deadline && (!next || *deadline < *next)) next = deadline;
  if (!untold_.empty() && (!next || tell_again_at_ < *next)) next = tell_again_at_;
  return next;
}

std::optional<TaskProgress> TaskRunner::Progress(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto found = running_.find(id);
  return found == running_.end() ? std::nullopt : std::optional(found->second.progress);
}

std::optional<WaitReason> TaskRunner::WhyWaits(const TaskRecord& task) const {
  std::lock_guard lock(mutex_);
  Backlog::Queue queue(task.submitter, task.priority);
  if (!backlog_.Contains(queue, task.order)) {
    return scheduler_.WhyWaits(task.id, clock_.steady(), backlog_.CountBetter(task.submitter, task.priority));
  }
  // Of others all that could be before it; exact where there are none.
  int64_t own = backlog_.Before(queue, std::numeric_limits<int64_t>::max()), before = backlog_.Before(queue, task.order);
  int64_t known = scheduler_.queue().AtLimit(task.submitter) ? scheduler_.PendingOf(task.submitter) : scheduler_.queue().CountUpTo(task.priority);
  return scheduler_.WhyWaitsBehind(task.submitter, known + before + backlog_.CountUpTo(task.priority) - own);
}

std::optional<WorkersOf> TaskRunner::Workers(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return scheduler_.Workers(id);
}

int TaskRunner::running() const {
  std::lock_guard lock(mutex_);
  return scheduler_.running();
}

int64_t TaskRunner::PendingOf(const std::string& submitter) const {
  std::lock_guard lock(mutex_);
  return scheduler_.PendingOf(submitter) + backlog_.CountOf(submitter);
}

PendingTask TaskRunner::Pending(const TaskRecord& task) const { return MakePending(task, clock_); }

Status TaskRunner::AdoptLead(const OpenWorker& open, const TaskRecord& task) {
  const auto& [id, worker, attempt] = open.id;
  bool current = task.state == TaskState::kRunning && task.attempt == attempt;
  NS_ASSIGN_OR_RETURN(uint64_t after, journal_.LastWorkerSeq(id, attempt));
  TaskProgress progress;
  for (uint64_t seq = 0; current;) {
    NS_ASSIGN_OR_RETURN(auto events, journal_.Events(id, seq, 1000));
    if (events.empty()) break;
    for (const TaskEvent& event : events) progress.Apply(event.payload);
    seq = events.back().seq;
  }
  std::optional<WorkersEvent> workers = progress.workers;
  {
    std::lock_guard lock(mutex_);
    if (current) {
      scheduler_.Adopt(Pending(task), open.slot);
      running_[id] = {attempt, std::move(progress)};
    } else {
      (void)scheduler_.Hold(open.id, open.slot);
    }
  }
  LogInfo("task {} attempt {}: {}", id, attempt, current ? "taken up again" : "ended after the task");
  executor_.Adopt(PlaceOf(open.id, open.slot), after);
  if (!current) Do(StopAction{id, attempt});
  if (workers) Decide([&](Scheduler& scheduler) { return scheduler.Useful(open.id.task_id, open.id.fence, workers->useful, clock_.steady()); });
  return OkStatus();
}

void TaskRunner::AdoptAssistant(const OpenWorker& open) {
  bool stays = false;
  {
    std::lock_guard lock(mutex_);
    stays = scheduler_.Hold(open.id, open.slot);
  }
  executor_.Adopt(PlaceOf(open.id, open.slot), 0);
  if (!stays) Do(ReleaseAction{open.id});
}

Status TaskRunner::Recover() {
  NS_ASSIGN_OR_RETURN(auto open, journal_.OpenWorkers());
  NS_ASSIGN_OR_RETURN(auto running, journal_.Running());
  Decide([&](Scheduler& scheduler) { return scheduler.TakeUp(true, clock_.steady()); });
  std::set<Attempt> adopted;
  // Leads, then their assistants.
  for (const OpenWorker& worker : open) {
    if (!worker.id.lead()) continue;
    NS_ASSIGN_OR_RETURN(TaskRecord task, journal_.Get(worker.id.task_id));
    adopted.insert({worker.id.task_id, worker.id.fence});
    NS_RETURN_IF_ERROR(AdoptLead(worker, task));
  }
  for (const TaskRecord& task : running) {
    if (adopted.contains({task.id, task.attempt})) continue;
    NS_RETURN_IF_ERROR(AdoptLead({{task.id, 0, task.attempt}, -1}, task));  // closed, but the task's end is not there
  }
  for (const OpenWorker& worker : open) {
    if (worker.id.lead() || Has(SeededBug::kForgetAssistants)) continue;
    AdoptAssistant(worker);
  }
  NS_RETURN_IF_ERROR(TakeUpPending());
  Decide([&](Scheduler& scheduler) { return scheduler.TakeUp(false, clock_.steady()); });
  return OkStatus();
}

}  // namespace ns
