#include "service/dispatcher.h"

#include <future>

#include "base/log.h"
#include "service/attempt_folder.h"

namespace ns {

namespace {

PendingTask ForScheduler(const TaskRecord& task) { return {task.id, task.priority, task.order, task.attempt, task.lost}; }

}  // namespace

Dispatcher::Dispatcher(const Options& options, const Workspace& workspace, TaskStore& store, Executor& executor, const Clock& clock)
    : options_(options),
      workspace_(workspace),
      store_(store),
      executor_(executor),
      clock_(clock),
      scheduler_(options.scheduler) {
  executor_.Listen(this);
  thread_ = std::thread([this] { Run(); });
}

Dispatcher::~Dispatcher() { Stop(); }

void Dispatcher::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Dispatcher::Post(Message message) {
  {
    std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
  }
  wake_.notify_one();
}

void Dispatcher::PostLater(std::chrono::milliseconds wait, Message message) {
  Post([this, wait, message = std::move(message)] { later_.emplace(clock_.steady() + wait, message); });
}

void Dispatcher::Run() {
  while (true) {
    std::vector<Message> batch;
    {
      std::unique_lock lock(mutex_);
      auto due = scheduler_.next_tick();
      if (!later_.empty() && (!due || later_.begin()->first < *due)) due = later_.begin()->first;
      auto ready = [&] { return stop_ || !messages_.empty(); };
      if (due) {
        wake_.wait_until(lock, *due, ready);
      } else {
        wake_.wait(lock, ready);
      }
      if (stop_) return;
      batch.swap(messages_);
    }
    for (Message& message : batch) message();
    while (!later_.empty() && later_.begin()->first <= clock_.steady()) {
      Message message = std::move(later_.begin()->second);
      later_.erase(later_.begin());
      message();
    }
    std::vector<Action> actions;
    {
      std::lock_guard lock(mutex_);
      actions = scheduler_.Tick(clock_.steady());
    }
    Carry(actions);
    TellIdle();
  }
}

void Dispatcher::TellIdle() {
  if (idle_.empty() || running() > 0 || !writes_.idle()) return;
  for (auto& idle : std::exchange(idle_, {})) idle();
}

void Dispatcher::Carry(const std::vector<Action>& actions) {
  for (const Action& action : actions) std::visit([this](const auto& one) { Do(one); }, action);
}

std::vector<int> Dispatcher::CoresOf(int slot) const {
  std::lock_guard lock(mutex_);
  auto found = cores_.find(slot);
  return found == cores_.end() ? std::vector<int>() : found->second;
}

void Dispatcher::AddNode(int64_t node, const std::vector<std::vector<int>>& slots) {
  // At once, so that UseOf() knows it; what can start now starts on our thread.
  std::vector<Action> actions;
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < slots.size(); ++i) cores_[Scheduler::SlotOf(node, static_cast<int>(i))] = slots[i];
    actions = scheduler_.AddNode(node, static_cast<int>(slots.size()), clock_.steady());
  }
  Post([this, actions] { Carry(actions); });
}

void Dispatcher::RemoveNode(int64_t node) {
  std::lock_guard lock(mutex_);
  scheduler_.RemoveNode(node);
}

std::optional<Scheduler::NodeUse> Dispatcher::UseOf(int64_t node) const {
  std::lock_guard lock(mutex_);
  return scheduler_.UseOf(node);
}

void Dispatcher::Do(const StartAction& action) {
  {
    std::lock_guard lock(mutex_);
    progress_[action.id] = TaskProgress();
  }
  writes_.Add(
      action.id, fmt::format("start of task {}", action.id),
      [this, action](TaskStore::Done done) { store_.BeginAttempt(action.id, action.attempt, action.slot, std::move(done)); },
      [this, action](Status status) {
        if (status.ok()) return StartWorker(action);
        AttemptEnded(action.id, action.attempt, {AttemptEnd::Kind::kFailed, status.reason(), status.message()});
      });
}

void Dispatcher::StartWorker(const StartAction& action) {
  auto lost = [&](const std::string& message) {
    AttemptEnded(action.id, action.attempt, {AttemptEnd::Kind::kLost, "WORKER_NOT_STARTED", message});
  };
  if (stopping_.contains({action.id, action.attempt})) return lost("stopped before it started");
  auto task = store_.Get(action.id);
  if (!task.ok()) return lost(task.status().message());
  auto place = PrepareAttempt(workspace_, *task, action.attempt, CoresOf(action.slot));
  Status status = place.ok() ? executor_.Start(*place) : place.status();
  if (status.ok()) {
    LogInfo("task {} attempt {} started on slot {}", action.id, action.attempt, action.slot);
    return;
  }
  LogError("task {} attempt {}: {}", action.id, action.attempt, status.ToString());
  lost(fmt::format("its worker could not be started: {}", status.message()));
}

void Dispatcher::Do(const StopAction& action) {
  stopping_.insert({action.id, action.attempt});
  executor_.Stop(action.id, action.attempt);
}

void Dispatcher::Do(const FinishAction& action) {
  TaskEnd end{action.state, action.reason, action.message, std::nullopt};
  {
    std::lock_guard lock(mutex_);
    auto progress = progress_.find(action.id);
    if (action.state == TaskState::kDone && progress != progress_.end()) end.result = progress->second.result;
  }
  LogInfo("task {} {}{}{}", action.id, TaskStateName(action.state), action.message.empty() ? "" : ": ", action.message);
  if (action.state == TaskState::kFailed) AppendToTaskLog(workspace_, action.id, "failed: " + action.message);
  writes_.Add(
      action.id, fmt::format("end of task {}", action.id),
      [this, action, end](TaskStore::Done done) { store_.Finish(action.id, action.attempt, end, std::move(done)); },
      [this, id = action.id](Status status) {
        if (!status.ok()) LogWarning("end of task {}: {}", id, status.ToString());
        if (options_.task_ended) options_.task_ended();
        std::lock_guard lock(mutex_);
        progress_.erase(id);
      });
}

void Dispatcher::Do(const RequeueAction& action) {
  LogWarning("task {} attempt {}: {}", action.id, action.attempt, action.message);
  AppendToTaskLog(workspace_, action.id, action.message);
  writes_.Add(action.id, fmt::format("retry of task {}", action.id), [this, action](TaskStore::Done done) {
    store_.Requeue(action.id, action.attempt, action.lost, action.message, std::move(done));
  });
  std::lock_guard lock(mutex_);
  progress_.erase(action.id);
}

void Dispatcher::AttemptEnded(const std::string& id, int attempt, const AttemptEnd& end) {
  stopping_.erase({id, attempt});
  RemoveScratch(workspace_, id);
  std::vector<Action> actions;
  {
    std::lock_guard lock(mutex_);
    actions = scheduler_.Exited(id, attempt, end, clock_.steady());
  }
  Carry(actions);
  // After the task's own record, so that a crash between the two leaves an attempt to adopt, never a task without one.
  static constexpr const char* kOutcomes[] = {"done", "failed", "lost"};
  std::string outcome = kOutcomes[static_cast<size_t>(end.kind)];
  writes_.Add(id, fmt::format("end of attempt {} of task {}", attempt, id),
              [this, id, attempt, outcome](TaskStore::Done done) { store_.CloseAttempt(id, attempt, outcome, std::move(done)); });
}

void Dispatcher::Submitted(const PendingTask& task) {
  Post([this, task] {
    std::vector<Action> actions;
    {
      std::lock_guard lock(mutex_);
      actions = scheduler_.Submit(task, clock_.steady());
    }
    Carry(actions);
  });
}

void Dispatcher::Cancel(const std::string& id, std::function<void(Status)> done) {
  Post([this, id, done = std::move(done)] {
    std::vector<Action> actions;
    {
      std::lock_guard lock(mutex_);
      actions = scheduler_.Cancel(id, clock_.steady());
    }
    if (actions.empty()) return done(NotFound(fmt::format("task {} is neither pending nor running", id), "NOT_CANCELLABLE"));
    // The end is committed before the worker is told, so that "cancelled" cannot be undone by a crash in between.
    auto finish = std::get<FinishAction>(actions.front());
    actions.erase(actions.begin());
    TaskEnd end{finish.state, finish.reason, finish.message, std::nullopt};
    writes_.Add(
        id, fmt::format("cancellation of task {}", id),
        [this, finish, end](TaskStore::Done written) { store_.Finish(finish.id, finish.attempt, end, std::move(written)); },
        [this, id, actions, done](Status status) {
          Carry(actions);
          {
            std::lock_guard lock(mutex_);
            progress_.erase(id);
          }
          if (options_.task_ended) options_.task_ended();
          done(status);
        });
  });
}

void Dispatcher::Drain(std::function<void()> idle) {
  Post([this, idle = std::move(idle)] {
    std::lock_guard lock(mutex_);
    (void)scheduler_.SetDispatching(false, clock_.steady());
    idle_.push_back(idle);
  });
}

void Dispatcher::StopWorkers(std::function<void()> idle) {
  Post([this, idle = std::move(idle)] {
    std::vector<Action> actions;
    {
      std::lock_guard lock(mutex_);
      actions = scheduler_.StopAll();
      idle_.push_back(idle);
    }
    Carry(actions);
  });
}

std::optional<TaskProgress> Dispatcher::Progress(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto found = progress_.find(id);
  return found == progress_.end() ? std::nullopt : std::optional(found->second);
}

int64_t Dispatcher::Ahead(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return scheduler_.Ahead(id);
}

int Dispatcher::running() const {
  std::lock_guard lock(mutex_);
  return scheduler_.running();
}

void Dispatcher::OnEvents(const std::string& id, int attempt, std::vector<TaskEvent> events) {
  Post([this, id, attempt, events = std::move(events)] {
    {
      std::lock_guard lock(mutex_);
      if (auto found = progress_.find(id); found != progress_.end()) {
        for (const TaskEvent& event : events) found->second.Apply(event.payload);
      }
    }
    writes_.Add(id, fmt::format("events of task {}", id),
                [this, id, attempt, events](TaskStore::Done done) { store_.AppendEvents(id, attempt, events, std::move(done)); });
  });
}

void Dispatcher::OnExit(const std::string& id, int attempt, const WorkerExit& exit) {
  Post([this, id, attempt, exit] {
    std::error_code ignored;
    bool has_report = std::filesystem::exists(workspace_.result_folder(id) / "report.json", ignored);
    TaskProgress progress = Progress(id).value_or(TaskProgress());
    AttemptEnded(id, attempt, JudgeExit(exit, progress, has_report));
  });
}

void Dispatcher::AdoptAttempt(const OpenAttempt& open, const TaskRecord& task) {
  bool current = task.state == TaskState::kRunning && task.attempt == open.attempt;
  auto after = store_.LastWorkerSeq(open.task_id, open.attempt);
  {
    std::lock_guard lock(mutex_);
    if (current) {
      scheduler_.Adopt(ForScheduler(task), open.slot);
      TaskProgress& progress = progress_[task.id];
      for (uint64_t seq = 0;;) {
        auto events = store_.Events(task.id, seq, 1000).value_or({});
        if (events.empty()) break;
        for (const TaskEvent& event : events) progress.Apply(event.payload);
        seq = events.back().seq;
      }
    } else {
      scheduler_.Hold(open.task_id, open.attempt, open.slot);
    }
  }
  LogInfo("task {} attempt {}: {}", open.task_id, open.attempt, current ? "taken up again" : "ended after the task");
  AttemptPlace place{open.task_id, open.attempt, workspace_.task_folder(open.task_id), workspace_.task_log(open.task_id), CoresOf(open.slot)};
  executor_.Adopt(place, after.value_or(0));
  if (!current) executor_.Stop(open.task_id, open.attempt);
}

Status Dispatcher::Recover() {
  NS_ASSIGN_OR_RETURN(auto open, store_.OpenAttempts());
  NS_ASSIGN_OR_RETURN(auto unfinished, store_.Unfinished());
  std::promise<void> recovered;
  Post([&] {
    std::set<Attempt> adopted;
    for (const OpenAttempt& attempt : open) {
      auto task = store_.Get(attempt.task_id);
      if (!task.ok()) continue;
      adopted.insert({attempt.task_id, attempt.attempt});
      AdoptAttempt(attempt, *task);
    }
    for (const TaskRecord& task : unfinished) {
      if (task.state == TaskState::kRunning && !adopted.contains({task.id, task.attempt})) {
        AdoptAttempt({task.id, task.attempt, -1}, task);  // closed, but the task's end is not there
      } else if (task.state == TaskState::kPending) {
        std::vector<Action> actions;
        {
          std::lock_guard lock(mutex_);
          actions = scheduler_.Submit(ForScheduler(task), clock_.steady());
        }
        Carry(actions);
      }
    }
    recovered.set_value();
  });
  recovered.get_future().wait();
  return OkStatus();
}

}  // namespace ns
