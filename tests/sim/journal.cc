#include "journal.h"

#include <algorithm>

namespace ns::sim {

namespace {

Status Stale() { return FailedPrecondition("the attempt is over", "STALE_ATTEMPT"); }
Status Unknown() { return NotFound("no such task", "UNKNOWN_TASK"); }

}  // namespace

Result<Journal::Row*> Journal::Current(State& state, const std::string& id, int attempt) const {
  auto found = state.find(id);
  if (found == state.end()) return Unknown();
  const TaskRecord& task = found->second.task;
  if (bug_ != SeededBug::kSkipFence && (task.attempt != attempt || IsFinal(task.state))) return Stale();
  return &found->second;
}

void Journal::AddEvent(Row& row, const EventPayload& payload) const { row.events.push_back({row.events.size() + 1, clock_.wall(), payload}); }

void Journal::ChangeState(Row& row, TaskState state) {
  row.task.state = state;
  AddEvent(row, StateEvent{state, row.task.reason, row.task.message, row.task.attempt});
  if (on_state) on_state(row.task);
}

void Journal::Submit(TaskRecord task, std::function<void(Result<int64_t>)> done) {
  auto order = std::make_shared<int64_t>(0);
  Queue(
      [this, task = std::move(task), order](State& state) {
        Row& row = state[task.id];
        row.task = task;
        row.task.order = *order = ++last_order_;
        ChangeState(row, TaskState::kPending);
        return OkStatus();
      },
      [order, done = std::move(done)](Status status) {
        if (status.ok()) return done(*order);
        done(status);
      });
}

void Journal::BeginAttempt(const std::string& id, int attempt, int slot, Done done) {
  Queue(
      [=, this](State& state) -> Status {
        NS_ASSIGN_OR_RETURN(Row * row, Current(state, id, attempt - 1));
        if (row->task.state != TaskState::kPending && bug_ != SeededBug::kSkipFence) return Stale();
        row->task.attempt = attempt;
        row->task.reason = row->task.message = "";
        if (!row->task.started) row->task.started = clock_.wall();
        row->attempts[attempt] = {slot, false, 0};
        ChangeState(*row, TaskState::kRunning);
        return OkStatus();
      },
      std::move(done));
}

void Journal::BeginAssistant(const WorkerId& assistant, int slot, Done done) {
  Queue(
      [=, this](State& state) -> Status {
        auto found = state.find(assistant.task_id);
        if (found == state.end()) return Stale();
        TaskRecord& task = found->second.task;
        bool stale = task.state != TaskState::kRunning || task.assistants >= assistant.fence;
        if (stale && bug_ != SeededBug::kSkipFence) return Stale();
        if (bug_ != SeededBug::kForgetFences) task.assistants = assistant.fence;
        found->second.assistants[assistant] = slot;
        return OkStatus();
      },
      std::move(done));
}

void Journal::EndAssistant(const WorkerId& assistant, Done done) {
  Queue(
      [=](State& state) {
        auto found = state.find(assistant.task_id);
        if (found != state.end()) found->second.assistants.erase(assistant);
        return OkStatus();
      },
      std::move(done));
}

void Journal::AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) {
  Queue(
      [=, this](State& state) -> Status {
        auto found = state.find(id);
        if (found == state.end()) return Unknown();
        Row& row = found->second;
        auto own = row.attempts.find(attempt);
        if (own == row.attempts.end() || (own->second.ended && bug_ != SeededBug::kSkipFence)) return Stale();
        std::vector<const TaskEvent*> kept;
        for (const TaskEvent& event : events) {
          if (event.seq <= own->second.worker_seq && bug_ != SeededBug::kStoreEventsTwice) continue;
          bool progress = std::holds_alternative<ProgressEvent>(event.payload);
          if (progress && !kept.empty() && std::holds_alternative<ProgressEvent>(kept.back()->payload)) kept.pop_back();
          kept.push_back(&event);
        }
        for (const TaskEvent* event : kept) AddEvent(row, event->payload);
        if (!kept.empty()) own->second.worker_seq = std::max(own->second.worker_seq, events.back().seq);
        return OkStatus();
      },
      std::move(done));
}

void Journal::Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) {
  Queue(
      [=, this](State& state) -> Status {
        NS_ASSIGN_OR_RETURN(Row * row, Current(state, id, attempt));
        if (row->task.state != TaskState::kRunning && bug_ != SeededBug::kSkipFence) return Stale();
        row->task.lost += lost ? 1 : 0;
        row->task.message = message;
        row->attempts[attempt].ended = true;
        ChangeState(*row, TaskState::kPending);
        return OkStatus();
      },
      std::move(done));
}

void Journal::Finish(const std::string& id, int attempt, TaskEnd end, Done done) {
  Queue(
      [=, this](State& state) -> Status {
        NS_ASSIGN_OR_RETURN(Row * row, Current(state, id, attempt));
        if (!MayFollow(row->task.state, end.state) && bug_ != SeededBug::kSkipFence) return Stale();
        row->task.reason = end.reason;
        row->task.message = end.message;
        row->task.result = end.result;
        row->task.ended = clock_.wall();
        ChangeState(*row, end.state);
        return OkStatus();
      },
      std::move(done));
}

void Journal::CloseAttempt(const std::string& id, int attempt, const std::string&, Done done) {
  Queue(
      [=](State& state) {
        auto found = state.find(id);
        if (found == state.end()) return Unknown();
        auto own = found->second.attempts.find(attempt);
        if (own != found->second.attempts.end()) own->second.ended = true;
        return OkStatus();
      },
      std::move(done));
}

void Journal::Commit(size_t count, bool disk_full) {
  if (bug_ == SeededBug::kDropSync && !disk_full) synced_ = state_;
  for (; count > 0 && !queue_.empty(); --count) {
    auto [write, done] = std::move(queue_.front());
    queue_.pop_front();
    Status status = disk_full ? ResourceExhausted("the disk is full", "DISK_FULL") : write(state_);
    acks_.emplace_back(std::move(done), std::move(status));
  }
}

void Journal::Acknowledge() {
  auto [done, status] = std::move(acks_.front());
  acks_.pop_front();
  if (done) done(std::move(status));
}

void Journal::Crash() {
  queue_.clear();
  acks_.clear();
  if (bug_ == SeededBug::kDropSync) state_ = synced_;
}

Result<TaskRecord> Journal::Get(const std::string& id) const {
  auto found = state_.find(id);
  if (found == state_.end()) return Unknown();
  return found->second.task;
}

Result<std::vector<TaskRecord>> Journal::Unfinished() const {
  std::vector<TaskRecord> tasks;
  for (const auto& [id, row] : state_) {
    if (!IsFinal(row.task.state)) tasks.push_back(row.task);
  }
  std::sort(tasks.begin(), tasks.end(), [](const TaskRecord& a, const TaskRecord& b) { return std::pair(a.priority, a.order) < std::pair(b.priority, b.order); });
  return tasks;
}

std::vector<TaskRecord> Journal::InState(TaskState state) const {
  std::vector<TaskRecord> tasks;
  for (const auto& [id, row] : state_) {
    if (row.task.state == state) tasks.push_back(row.task);
  }
  std::sort(tasks.begin(), tasks.end(), [](const TaskRecord& a, const TaskRecord& b) { return a.order < b.order; });
  return tasks;
}

Result<std::vector<TaskRecord>> Journal::Running() const { return InState(TaskState::kRunning); }

Status Journal::EachPending(const std::function<void(const TaskRecord&)>& each) const {
  for (const TaskRecord& task : InState(TaskState::kPending)) each(task);
  return OkStatus();
}

Result<std::vector<TaskRecord>> Journal::Pending(const std::vector<int64_t>& orders) const {
  if (unreadable_ > 0 && unreadable_-- > 0) return Unavailable("the disk cannot be read");
  std::vector<TaskRecord> tasks = InState(TaskState::kPending);
  std::erase_if(tasks, [&](const TaskRecord& task) { return std::find(orders.begin(), orders.end(), task.order) == orders.end(); });
  return tasks;
}

Result<std::vector<OpenWorker>> Journal::OpenWorkers() const {
  std::vector<OpenWorker> open;
  for (const auto& [id, row] : state_) {
    for (const auto& [number, attempt] : row.attempts) {
      if (!attempt.ended) open.push_back({{id, 0, number}, attempt.slot});
    }
  }
  for (const auto& [id, row] : state_) {
    for (const auto& [assistant, slot] : row.assistants) open.push_back({assistant, slot});
  }
  return open;
}

Result<std::vector<TaskEvent>> Journal::Events(const std::string& id, uint64_t after, int limit) const {
  auto found = state_.find(id);
  if (found == state_.end()) return std::vector<TaskEvent>();
  const std::vector<TaskEvent>& all = found->second.events;
  size_t begin = std::min<size_t>(after, all.size()), end = std::min(all.size(), begin + static_cast<size_t>(limit));
  return std::vector<TaskEvent>(all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end));
}

Result<uint64_t> Journal::LastWorkerSeq(const std::string& id, int attempt) const {
  auto found = state_.find(id);
  if (found == state_.end()) return uint64_t{0};
  auto own = found->second.attempts.find(attempt);
  return own == found->second.attempts.end() ? uint64_t{0} : own->second.worker_seq;
}

}  // namespace ns::sim
