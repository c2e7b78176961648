#include "workers.h"

namespace ns::sim {

namespace {

constexpr auto kStopTime = std::chrono::seconds(2);

std::string Name(const WorkerId& id) { return fmt::format("worker {} of task {}, start {}", id.worker, id.task_id, id.fence); }

}  // namespace

double Workers::ResultOf(const std::string& id, int attempt) { return std::stod(id.substr(1)) * 1000 + attempt; }

Status Workers::Prepare(const TaskRecord& task, const WorkerPlace&) {
  if (fail_prepare) return ResourceExhausted("the disk is full", "DISK_FULL");
  reports_.erase(task.id);
  return OkStatus();
}

Status Workers::Start(const WorkerPlace& place) {
  const WorkerId& id = place.id;
  if (workers_.contains(id)) violation_(fmt::format("{} is started twice", Name(id)));
  for (const WorkerId& other : live_) {
    const Worker& runs = workers_.at(other);
    if (runs.given_up) continue;
    if (!place.cores.empty() && runs.core == place.cores[0]) violation_(fmt::format("{} and {} run on core {}", Name(id), Name(other), runs.core));
    if (other.worker == id.worker && other.task_id == id.task_id) violation_(fmt::format("{} runs beside {}", Name(id), Name(other)));
  }
  Worker& worker = workers_[id] = Worker();
  worker.core = place.cores.empty() ? -1 : place.cores[0];
  worker.watched = true;
  live_.insert(id);
  return OkStatus();
}

void Workers::Adopt(const WorkerPlace& place, uint64_t after_seq) {
  auto found = workers_.find(place.id);
  if (found == workers_.end()) {
    WorkerExit exit;
    exit.never_started = true;
    return listener_->OnExit(place.id, exit);
  }
  if (found->second.given_up) return listener_->OnExit(place.id, {});
  found->second.watched = true;
  // It may tell some again: the store knows them by their numbers.
  size_t told = std::min<size_t>(after_seq, found->second.events.size());
  found->second.told = told - std::min<size_t>(told, static_cast<size_t>(random_.Pick(3)));
  Tell(place.id);
}

void Workers::Stop(const WorkerId& id) {
  auto found = workers_.find(id);
  if (found != workers_.end() && !found->second.ended && !found->second.end_by) found->second.end_by = clock_.steady() + kStopTime;
}

void Workers::Write(Worker& worker, EventPayload payload) { worker.events.push_back({worker.events.size() + 1, clock_.wall(), std::move(payload)}); }

// The service hears what is new in the file, and the end.
void Workers::Tell(const WorkerId& id) {
  Worker& worker = workers_.at(id);
  if (!worker.watched) return;
  if (worker.told < worker.events.size()) {
    std::vector<TaskEvent> news(worker.events.begin() + static_cast<ptrdiff_t>(worker.told), worker.events.end());
    worker.told = worker.events.size();
    listener_->OnEvents(id, std::move(news));
  }
  if (!worker.ended) return;
  worker.watched = false;
  listener_->OnExit(id, worker.exit);
}

void Workers::End(const WorkerId& id, WorkerExit exit) {
  Worker& worker = workers_.at(id);
  worker.ended = true;
  worker.exit = std::move(exit);
  live_.erase(id);
  Tell(id);
}

void Workers::Step(bool calm) {
  if (live_.empty()) return;
  const WorkerId key = *std::next(live_.begin(), random_.Pick(static_cast<int>(live_.size())));
  const auto [id, number, attempt] = key;
  Worker& worker = workers_.at(key);
  int what = calm ? 0 : random_.Pick(10);
  if (worker.given_up && !calm) what = random_.Chance(70) ? 6 : 0;  // it goes on for a while, and has a result in the end
  if (number > 0) {
    StepAssistant(key, calm);
  } else if (worker.end_by && !calm && what < 6) {
    End(key, {true, {0, 15}});
  } else if (what < 4) {
    Write(worker, ResultEvent{true, "v", "accuracy", ResultOf(id, attempt), 1, 2});
    reports_.insert(id);
    for (const WorkerId& other : live_) {
      if (other.task_id == id && !other.lead()) workers_.at(other).sent_away = random_.Chance(50);
    }
    End(key, {true, {0, 0}});
  } else if (what == 4) {
    Write(worker, StateEvent{TaskState::kFailed, "BAD_DATA", "why", 0});
    if (!worker.given_up && !worker.end_by) user_errors_[id] = attempt;
    End(key, {true, {2, 0}});
  } else if (what == 5) {
    End(key, {true, {3, 0}});  // no reason: lost
  } else if (what == 7 && random_.Chance(50)) {
    Write(worker, WorkersEvent{1 + random_.Pick(6), 0});
    Tell(key);
  } else {
    Write(worker, what == 6 ? EventPayload(StageEvent{fmt::format("{}.{}", attempt, worker.events.size())}) : EventPayload(ProgressEvent{"s", 1, 2, {}}));
    Tell(key);
  }
}

// It ends when it is told to, by its lead or by the service, and without reason now and then.
void Workers::StepAssistant(const WorkerId& id, bool calm) {
  const Worker& worker = workers_.at(id);
  int what = calm ? 9 : random_.Pick(20);
  if (worker.end_by || worker.sent_away) {
    End(id, {true, {0, worker.end_by ? 15 : 0}});
  } else if (what < 2) {
    End(id, {true, {what, 0}});
  }
}

std::vector<std::string> Workers::StagesOf(const std::string& id, int attempt) const {
  std::vector<std::string> stages;
  auto found = workers_.find({id, 0, attempt});
  if (found == workers_.end()) return stages;
  for (const TaskEvent& event : found->second.events) {
    if (auto* stage = std::get_if<StageEvent>(&event.payload)) stages.push_back(stage->stage);
  }
  return stages;
}

int Workers::UserErrorOf(const std::string& id) const {
  auto found = user_errors_.find(id);
  return found == user_errors_.end() ? 0 : found->second;
}

void Workers::Kill() {
  if (live_.empty()) return;
  End(*std::next(live_.begin(), random_.Pick(static_cast<int>(live_.size()))), {true, {0, 9}});
}

void Workers::GiveUp() {
  if (live_.empty()) return;
  const WorkerId key = *std::next(live_.begin(), random_.Pick(static_cast<int>(live_.size())));
  Worker& worker = workers_.at(key);
  if (worker.given_up || !worker.watched || !key.lead()) return;
  worker.given_up = true;
  listener_->OnExit(key, {});
}

void Workers::EndOverdue() {
  for (bool again = true; again;) {
    again = false;
    for (const WorkerId& key : live_) {
      const Worker& worker = workers_.at(key);
      if (!worker.end_by || *worker.end_by > clock_.steady()) continue;
      const WorkerId copy = key;
      End(copy, {true, {0, 9}});
      again = true;
      break;
    }
  }
}

void Workers::Unwatch() {
  for (auto& [key, worker] : workers_) worker.watched = false;
}

}  // namespace ns::sim
