#include "service/dispatcher.h"

#include <future>

namespace ns {

namespace {

Scheduler::Options For(const Executor& executor, Scheduler::Options options) {
  options.max_workers_per_task = executor.max_workers_per_task();
  return options;
}

}  // namespace

Dispatcher::Dispatcher(const Options& options, const Workspace& workspace, TaskJournal& store, Executor& executor, const Clock& clock)
    : options_(options),
      clock_(clock),
      files_(workspace),
      runner_(For(executor, options.scheduler), store, executor, files_, clock,
              {[this](Message message) { Post(std::move(message)); },
               [this](std::chrono::milliseconds wait, Message message) { PostLater(wait, std::move(message)); }}) {
  if (options.task_ended) runner_.WhenTaskEnds(options.task_ended);
  executor.Listen(this);
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
  std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  wake_.notify_one();  // under the lock: who waits for what the message does may end this object
}

void Dispatcher::PostLater(std::chrono::milliseconds wait, Message message) {
  Post([this, wait, message = std::move(message)] { later_.emplace(clock_.steady() + wait, message); });
}

void Dispatcher::Run() {
  while (true) {
    std::vector<Message> batch;
    auto due = runner_.next_tick();
    if (!later_.empty() && (!due || later_.begin()->first < *due)) due = later_.begin()->first;
    {
      std::unique_lock lock(mutex_);
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
    runner_.Tick();
  }
}

void Dispatcher::AddNode(int64_t node, const std::vector<std::vector<int>>& slots) {
  std::promise<void> added;
  Post([&] {
    runner_.AddNode(node, slots);
    added.set_value();
  });
  added.get_future().wait();
}

void Dispatcher::RemoveNode(int64_t node) {
  std::promise<void> removed;
  Post([&] {
    runner_.RemoveNode(node);
    removed.set_value();
  });
  removed.get_future().wait();
}

std::string Dispatcher::TroubleOf(int64_t node) const {
  std::lock_guard lock(mutex_);
  auto found = trouble_.find(node);
  return found == trouble_.end() ? "" : found->second;
}

Status Dispatcher::Recover() {
  std::promise<Status> recovered;
  Post([&] { recovered.set_value(runner_.Recover()); });
  return recovered.get_future().get();
}

Status Dispatcher::Reserve(const std::string& submitter) {
  if (options_.max_queued_per_submitter == 0) return OkStatus();
  std::lock_guard lock(mutex_);
  int64_t& reserved = reserved_[submitter];
  if (runner_.PendingOf(submitter) + reserved < options_.max_queued_per_submitter) {
    ++reserved;
    return OkStatus();
  }
  if (reserved == 0) reserved_.erase(submitter);
  return ResourceExhausted(fmt::format("{} has {} tasks waiting, as many as one submitter may have; try again when some have started",
                                       submitter.empty() ? "a submitter without a name" : fmt::format("submitter '{}'", submitter),
                                       options_.max_queued_per_submitter), "TOO_MANY_QUEUED");
}

void Dispatcher::Unreserve(const std::string& submitter) {
  if (options_.max_queued_per_submitter == 0) return;
  std::lock_guard lock(mutex_);
  auto found = reserved_.find(submitter);
  if (found != reserved_.end() && --found->second == 0) reserved_.erase(found);
}

void Dispatcher::Submitted(const PendingTask& task) {
  Post([this, task] {
    runner_.Submitted(task);
    Unreserve(task.submitter);
  });
}

void Dispatcher::Cancel(const std::string& id, std::function<void(Status)> done) {
  Post([this, id, done = std::move(done)] { runner_.Cancel(id, done); });
}

void Dispatcher::Pause(bool paused) {
  Post([this, paused] { runner_.SetDispatching(paused ? Dispatching::kPaused : Dispatching::kOn); });
}

void Dispatcher::Drain(std::function<void()> idle) {
  Post([this, idle = std::move(idle)] {
    runner_.SetDispatching(Dispatching::kDraining);
    runner_.WhenIdle(idle);
  });
}

void Dispatcher::StopWorkers(std::function<void()> idle) {
  Post([this, idle = std::move(idle)] {
    runner_.StopWorkers();
    runner_.WhenIdle(idle);
  });
}

void Dispatcher::OnEvents(const WorkerId& lead, std::vector<TaskEvent> events) {
  Post([this, lead, events = std::move(events)]() mutable { runner_.Events(lead, std::move(events)); });
}

void Dispatcher::OnExit(const WorkerId& worker, const WorkerExit& exit) {
  Post([this, worker, exit] { runner_.Exit(worker, exit); });
}

void Dispatcher::OnWhere(const WorkerId& worker, const WorkerWhere& where) {
  Post([this, worker, where] { runner_.Where(worker, where); });
}

void Dispatcher::OnNode(int64_t node, bool up, const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    if (up) trouble_.erase(node);
    else trouble_[node] = why.empty() ? "it does not answer" : why;
  }
  Post([this, node, up] { runner_.SetNodeUp(node, up); });
}

}  // namespace ns
