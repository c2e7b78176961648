#include "world.h"

#include <algorithm>
#include <cstdio>

#include "service/pending_task.h"
#include "tasks/task_spec_codec.h"

namespace ns::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string SpecOf(Random& random) {
  std::string spec = R"({"model": "m.onnx", "dataset": "d.npz")";
  if (random.Chance(30)) spec += fmt::format(R"(, "workers": {})", 2 + random.Pick(5));
  if (random.Chance(10)) spec += fmt::format(R"(, "deadline": {})", 1 + random.Pick(60));
  return spec + "}";
}

}  // namespace

World::World(const Options& options) : options_(options), random_(options.seed), journal_(clock_, options.bug) {
  auto violation = [this](const std::string& what) { violations_.push_back(what); };
  scheduler_options_.queue.age_step = seconds(5 + random_.Pick(30));
  scheduler_options_.queue.max_running = random_.Chance(30) ? 1 + random_.Pick(3) : 0;
  scheduler_options_.deadline_grace = seconds(3);
  scheduler_options_.max_workers_per_task = random_.Chance(70) ? 8 : 1;
  crowded_ = random_.Chance(30);
  if (crowded_) scheduler_options_.most_known = static_cast<size_t>(random_.Pick(6));
  scheduler_options_.bug = options.bug;
  checker_ = std::make_unique<Checker>(scheduler_options_, clock_, violation);
  scheduler_options_.observer = checker_.get();
  workers_ = std::make_unique<Workers>(random_, clock_, scheduler_options_.max_workers_per_task, violation);
  workers_->Listen(this);
  journal_.on_state = [this](const TaskRecord& task) {
    Trace("  durable: {} {} attempt {} lost {} {}", task.id, TaskStateName(task.state), task.attempt, task.lost, task.reason);
    checker_->OnState(task);
  };
  for (int i = 1 + random_.Pick(2); i > 0; --i) nodes_[++last_node_] = 1 + random_.Pick(3);
  StartService();
}

World::~World() = default;

template <typename... Args>
void World::Trace(fmt::format_string<Args...> format, Args&&... args) {
  if (!options_.trace) return;
  auto at = std::chrono::duration_cast<milliseconds>(clock_.steady().time_since_epoch()).count() % 3'600'000;
  std::printf("%8.3f %s\n", static_cast<double>(at) / 1000, fmt::format(format, std::forward<Args>(args)...).c_str());
}

void World::StartService() {
  Trace("the service starts");
  int service = ++alive_;
  scheduler_options_.seed = random_.Seed();
  runner_ = std::make_unique<TaskRunner>(
      scheduler_options_, journal_, *workers_, *workers_, clock_,
      TaskWrites::Thread{[this, service](std::function<void()> message) {
                           if (service == alive_) Post(std::move(message));
                         },
                         [this, service](milliseconds wait, std::function<void()> message) {
                           if (service == alive_) later_.emplace(clock_.steady() + wait, std::move(message));
                         }});
  for (const auto& [node, slots] : nodes_) {
    std::vector<std::vector<int>> cores;
    for (int i = 0; i < slots; ++i) cores.push_back({static_cast<int>(node) * 100 + i});
    runner_->AddNode(node, cores);
  }
  (void)journal_.EachPending([this](const TaskRecord& task) { checker_->Told(Pending(task)); });
  Status status = runner_->Recover();
  if (!status.ok()) violations_.push_back("recovery failed: " + status.ToString());
}

void World::Crash() {
  if (runner_ == nullptr) return;
  Trace("the service crashes");
  ++alive_;
  stopping_ = stopped_ = false;
  down_.clear();
  runner_.reset();
  messages_.clear();
  later_.clear();
  journal_.Crash();
  workers_->Unwatch();
  checker_->Restarted();
  checker_->CheckPromises([this](const std::string& id) { return journal_.Get(id); });
}

bool World::RunMessage() {
  if (runner_ == nullptr || messages_.empty()) return false;
  auto message = std::move(messages_.front());
  messages_.pop_front();
  message();
  if (runner_ != nullptr && (messages_.empty() || random_.Chance(50))) {
    runner_->Tick();
    checker_->CheckAssistants(runner_->scheduler());
  }
  return true;
}

// As the dispatcher's thread wakes up: for what is due, and not otherwise.
void World::RunDue() {
  if (runner_ == nullptr) return;
  bool due = false;
  while (!later_.empty() && later_.begin()->first <= clock_.steady()) {
    auto message = std::move(later_.begin()->second);
    later_.erase(later_.begin());
    message();
    due = true;
  }
  auto tick = runner_->next_tick();
  if (due || (tick && *tick <= clock_.steady())) runner_->Tick();
}

PendingTask World::Pending(const TaskRecord& task) const { return MakePending(task, clock_); }

void World::Submit() {
  for (int count = crowded_ ? 1 + random_.Pick(5) : 1; count > 0 && runner_ != nullptr; --count) SubmitOne();
}

void World::SubmitOne() {
  TaskRecord task;
  task.id = fmt::format("t{}", ++submitted_);
  task.priority = 1 + random_.Pick(3);
  if (random_.Chance(70)) task.submitter = fmt::format("u{}", random_.Pick(3));
  if (crowded_ && random_.Chance(80)) task.priority = 2, task.submitter = "u0";
  task.spec_json = SpecOf(random_);
  task.submitted = clock_.wall();
  Trace("submit {} of '{}' priority {} {}", task.id, task.submitter, task.priority, task.spec_json);
  journal_.Submit(task, [this, task](Result<int64_t> order) mutable {
    if (!order.ok()) return;
    task.order = *order;
    checker_->Acknowledged(task.id);
    Post([this, pending = Pending(task)] {
      checker_->Told(pending);
      runner_->Submitted(pending);
    });
  });
}

void World::Cancel() {
  std::string id = SomeTask();
  if (runner_ == nullptr || !checker_->acknowledged().contains(id)) return;
  Trace("cancel {}", id);
  Post([this, id] {
    checker_->Untold(id);
    runner_->Cancel(id, [this, id](Status status) {
      Trace("  cancelled {}: {}", id, status.ToString());
      if (status.ok()) checker_->Cancelled(id);
    });
  });
}

// A client looks at a task.
void World::Look() {
  std::string id = SomeTask();
  auto task = journal_.Get(id);
  if (runner_ == nullptr || !task.ok()) return;
  if (IsFinal(task->state)) checker_->Seen(*task);
  auto why = runner_->WhyWaits(*task);
  int64_t size = static_cast<int64_t>(runner_->scheduler().pending()) + runner_->backlog().CountUpTo(3);
  if (why && (why->ahead < 0 || why->ahead >= size)) violations_.push_back(fmt::format("{} of {} tasks are ahead of {}", why->ahead, size, id));
}

void World::ChangeNodes() {
  if (runner_ == nullptr) return;
  if (nodes_.size() > 1 && random_.Chance(50)) {
    int64_t node = std::next(nodes_.begin(), random_.Pick(static_cast<int>(nodes_.size())))->first;
    Trace("node {} leaves", node);
    nodes_.erase(node);
    runner_->RemoveNode(node);
  } else if (nodes_.size() < 3) {
    int64_t node = ++last_node_;
    nodes_[node] = 1 + random_.Pick(3);
    Trace("node {} joins with {} slots", node, nodes_[node]);
    std::vector<std::vector<int>> cores;
    for (int i = 0; i < nodes_[node]; ++i) cores.push_back({static_cast<int>(node) * 100 + i});
    runner_->AddNode(node, cores);
  }
}

// A node does not answer for a while.
void World::ToggleNode() {
  if (runner_ == nullptr) return;
  int64_t node = std::next(nodes_.begin(), random_.Pick(static_cast<int>(nodes_.size())))->first;
  bool up = down_.erase(node) > 0;
  if (!up) down_.insert(node);
  Trace("node {} is {}", node, up ? "up" : "down");
  runner_->SetNodeUp(node, up);
}

void World::Deliver(size_t most) {
  for (; most > 0 && journal_.unacknowledged() > 0; --most) journal_.Acknowledge();
}

void World::Fault() {
  switch (random_.Pick(11)) {
    case 0: case 1: return Crash();
    case 2: Trace("a worker is killed"); return workers_->Kill();
    case 3: case 9: case 10: Trace("a worker is given up"); return workers_->GiveUp();
    case 4: checker_->Jumped(); return clock_.Jump(seconds(random_.Pick(600) - 300));
    case 5:
      Trace("the disk is full");
      if (runner_ != nullptr) journal_.Commit(1 + static_cast<size_t>(random_.Pick(4)), true);
      if (crowded_ && random_.Chance(50)) {
        Trace("it cannot be read either");
        journal_.FailReads(1 + random_.Pick(3));
        checker_->Jumped();  // the order is that in which tasks could be read
      }
      return;
    case 6: workers_->fail_prepare = !workers_->fail_prepare; return;
    case 7: return random_.Chance(60) ? ChangeNodes() : ToggleNode();
    default:
      if (runner_ == nullptr) return;
      if (random_.Chance(30)) {
        return Stop();
      }
      Trace("paused or not");
      return Post([this, on = random_.Chance(50)] { runner_->SetDispatching(on ? Dispatching::kOn : Dispatching::kPaused); });
  }
}

void World::Stop() {
  if (stopping_) return;
  Trace("stop --now");
  stopping_ = ever_stopped_ = true;
  Post([this] {
    runner_->StopWorkers();
    runner_->WhenIdle([this] { stopped_ = true; });
  });
}

void World::Step() {
  int what = random_.Pick(100);
  if (stopped_) return Crash();
  if (runner_ == nullptr && random_.Chance(30)) return StartService();
  if (what < 8) return Submit();
  if (what < 10) return Cancel();
  if (what < 15) return Look();
  if (what < 30) return workers_->Step(false);
  if (what < 45) return clock_.Advance(random_.Millis(random_.Chance(5) ? 20'000 : 400)), RunDue(), workers_->EndOverdue();
  if (what < 65) return journal_.Commit(1 + static_cast<size_t>(random_.Pick(4)), false);
  if (what < 80) return Deliver(1 + static_cast<size_t>(random_.Pick(3)));
  if (what < 95) return (void)RunMessage();
  Fault();
}

bool World::AllEnded() const {
  for (const std::string& id : checker_->acknowledged()) {
    auto task = journal_.Get(id);
    if (task.ok() && !IsFinal(task->state)) return false;
  }
  return journal_.Unfinished()->empty();
}

// No faults any more: everything comes to its end, without any help but time.
void World::Settle() {
  workers_->fail_prepare = false;
  if (random_.Chance(50) || stopping_) Crash();
  if (runner_ == nullptr) StartService();
  Trace("no faults from here on");
  for (int64_t node : std::exchange(down_, {})) runner_->SetNodeUp(node, true);
  Post([this] { runner_->SetDispatching(Dispatching::kOn); });
  bool last_loss = random_.Chance(30);  // of the only worker when nothing waits: no other event wakes anybody up then
  for (int round = 0; round < 20'000; ++round) {
    bool busy = false;
    while (RunMessage()) busy = true;
    for (; journal_.waiting() > 0; busy = true) journal_.Commit(4, false);
    for (; journal_.unacknowledged() > 0; busy = true) Deliver(8);
    if (busy) continue;
    if (last_loss && workers_->live() == 1 && runner_->scheduler().pending() == 0) {
      Trace("the last worker is killed");
      last_loss = false;
      workers_->Kill();
      continue;
    }
    if (workers_->live() > 0) {
      clock_.Advance(milliseconds(100));
      RunDue();
      workers_->EndOverdue();
      workers_->Step(true);
      continue;
    }
    auto next = runner_->next_tick();
    if (!later_.empty() && (!next || later_.begin()->first < *next)) next = later_.begin()->first;
    if (!next || *next > clock_.steady() + std::chrono::hours(2)) break;
    if (*next > clock_.steady()) clock_.Advance(std::chrono::ceil<milliseconds>(*next - clock_.steady()));
    RunDue();
  }
}

// Of each task's log: no stage of an attempt twice, none after the next attempt has begun, all of the attempt that made its result.
void World::CheckEvents() {
  for (const std::string& id : checker_->acknowledged()) {
    std::set<std::string> stages;
    int attempt = 0;
    auto events = *journal_.Events(id, 0, 1 << 30);
    for (const TaskEvent& event : events) {
      auto* state = std::get_if<StateEvent>(&event.payload);
      auto* stage = std::get_if<StageEvent>(&event.payload);
      if (state != nullptr && state->state == TaskState::kRunning) attempt = state->attempt;
      if (stage == nullptr) continue;
      if (!stages.insert(stage->stage).second) violations_.push_back(fmt::format("task {} has event {} twice", id, stage->stage));
      if (Workers::AttemptOf(stage->stage) != attempt) violations_.push_back(fmt::format("task {} has event {} in attempt {}", id, stage->stage, attempt));
    }
    auto task = journal_.Get(id);
    int error = workers_->UserErrorOf(id);
    // A stop counts more than what a worker says at its end.
    if (task.ok() && error > 0 && !ever_stopped_ && task->attempt > error) violations_.push_back(fmt::format("task {} is tried again after a user's error", id));
    if (!task.ok() || task->state != TaskState::kDone) continue;
    for (const std::string& stage : workers_->StagesOf(id, task->attempt)) {
      if (!stages.contains(stage)) violations_.push_back(fmt::format("event {} of task {} is lost", stage, id));
    }
  }
}

std::vector<std::string> World::Run() {
  for (int i = 0; i < options_.steps && violations_.empty(); ++i) Step();
  if (violations_.empty()) Settle();
  if (!violations_.empty()) return violations_;
  auto unfinished = *journal_.Unfinished();
  for (const TaskRecord& task : unfinished) violations_.push_back(fmt::format("task {} is {} for ever", task.id, TaskStateName(task.state)));
  checker_->CheckPromises([this](const std::string& id) { return journal_.Get(id); });
  if (!AllEnded() || runner_ == nullptr) return violations_;
  int slots = 0;
  for (const auto& [node, count] : nodes_) slots += count;
  if (runner_->scheduler().free_slots() != slots) {
    violations_.push_back(fmt::format("{} of {} slots are free when nothing runs", runner_->scheduler().free_slots(), slots));
  }
  CheckEvents();
  if (!journal_.OpenWorkers()->empty()) violations_.push_back("a worker is open when nothing runs");
  return violations_;
}

void World::OnEvents(const WorkerId& lead, std::vector<TaskEvent> events) {
  Post([this, lead, events = std::move(events)] {
    for (const TaskEvent& event : events) {
      if (auto* workers = std::get_if<WorkersEvent>(&event.payload)) checker_->Useful(lead, workers->useful);
    }
    runner_->Events(lead, events);
  });
}

void World::OnExit(const WorkerId& worker, const WorkerExit& exit) {
  Trace("  {} worker {} fence {} ended: {} {}", worker.task_id, worker.worker, worker.fence, exit.known ? exit.exit.ToString() : "unknown", exit.reason);
  Post([this, worker, exit] { runner_->Exit(worker, exit); });
}

}  // namespace ns::sim
