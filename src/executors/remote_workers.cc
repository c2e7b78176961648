#include "executors/remote_workers.h"

#include "base/file.h"
#include "base/log.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

// How often files are looked at: a network file system tells nobody that another machine wrote.
constexpr auto kLook = std::chrono::milliseconds(200);
// A supervisor ends its worker 1.5 s after it is told to; the way there takes its time, too.
constexpr auto kPatience = std::chrono::milliseconds(2'500);
// How long a record that was written before its supervisor ended may stay unseen: network file systems remember for up to a minute that a file
// was not there.
constexpr auto kRecordPatience = std::chrono::seconds(60);
constexpr auto kLostPatience = std::chrono::seconds(1);
// Starts one after another that count as the nodes' fault; a task that cannot be started anywhere must not be tried for ever.
constexpr int kFreeStarts = 5;

std::optional<ExitRecord> ReadExit(const fs::path& folder, int fence) {
  auto text = ReadFile(folder / kExitStatusFileName);
  auto record = text.ok() ? ParseExitRecord(*text) : Result<ExitRecord>(text.status());
  if (!record.ok() || record->attempt != fence) return std::nullopt;
  return *record;
}

std::chrono::milliseconds Patience(bool record_expected) { return record_expected ? kRecordPatience : kLostPatience; }

LaunchState NeverStarted() {
  LaunchState state;
  state.ended = true;
  state.why = "it was never started";
  return state;
}

bool HasStarted(const fs::path& folder, int fence) {
  auto text = ReadFile(folder / kPidFileName);
  auto pids = text.ok() ? ParseWorkerPids(*text) : Result<WorkerPids>(text.status());
  return pids.ok() && pids->attempt == fence;
}

}  // namespace

RemoteWorkers::~RemoteWorkers() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void RemoteWorkers::Listen(ExecutorListener* listener) {
  listener_ = listener;
  thread_ = std::thread([this] { Run(); });
}

void RemoteWorkers::Post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void RemoteWorkers::Start(const WorkerPlace& place) {
  Post([this, place] {
    fs::path folder = WorkerFolder(place.folder, place.id.worker);
    launcher_.Launch(place, folder);
    workers_.insert_or_assign(place.id, Worker{place, folder, EventTail(folder / kEventsFileName, 0)});
  });
}

void RemoteWorkers::Adopt(const WorkerPlace& place, uint64_t after_seq) {
  Post([this, place, after_seq] {
    fs::path folder = WorkerFolder(place.folder, place.id.worker);
    Worker worker{place, folder, EventTail(folder / kEventsFileName, after_seq)};
    worker.launched = launcher_.Adopt(place, folder);
    workers_.insert_or_assign(place.id, std::move(worker));
  });
}

void RemoteWorkers::Stop(const WorkerId& id) {
  Post([this, id] {
    auto found = workers_.find(id);
    if (found == workers_.end() || found->second.kill_at) return;
    launcher_.Stop(id, false);
    found->second.kill_at = steady_clock::now() + kPatience;
  });
}

void RemoteWorkers::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    std::vector<std::function<void()>> work;
    work.swap(posted_);
    lock.unlock();
    for (auto& one : work) one();
    Tick();
    lock.lock();
    wake_.wait_for(lock, kLook, [this] { return stop_ || !posted_.empty(); });
  }
}

void RemoteWorkers::Tick() {
  launcher_.Look(*listener_);
  for (auto at = workers_.begin(); at != workers_.end();) {
    bool running = Check(at->second);
    at = running ? std::next(at) : workers_.erase(at);
  }
}

void RemoteWorkers::ReadEvents(Worker& worker) {
  if (!worker.place.id.lead()) return;
  auto events = worker.tail.ReadNew();
  if (!events.ok()) {
    LogWarning("events of task {}: {}", worker.place.id.task_id, events.status().message());
  } else if (!events->empty()) {
    listener_->OnEvents(worker.place.id, std::move(*events));
  }
}

// False when it has ended.
bool RemoteWorkers::Check(Worker& worker) {
  const WorkerId& id = worker.place.id;
  ReadEvents(worker);
  LaunchState state = worker.launched ? launcher_.StateOf(id) : NeverStarted();
  // After the state: what was written before the end is seen.
  if (auto record = ReadExit(worker.folder, id.fence)) return Finish(worker, record, state), false;
  auto now = steady_clock::now();
  if (!state.ended) {
    if (!(state.where == worker.where)) listener_->OnWhere(id, worker.where = state.where);
    if (worker.kill_at && now >= *worker.kill_at) {
      launcher_.Stop(id, true);
      worker.kill_at = now + kPatience;
    }
    return true;
  }
  if (!worker.ended_at) worker.ended_at = now;
  if (worker.launched && now < *worker.ended_at + Patience(state.orderly && !worker.kill_at)) return true;
  Finish(worker, std::nullopt, state);
  return false;
}

void RemoteWorkers::Finish(Worker& worker, const std::optional<ExitRecord>& record, const LaunchState& state) {
  do {
    ReadEvents(worker);  // the last ones
  } while (worker.tail.more());
  WorkerExit exit;
  exit.message = state.why;
  if (record) {
    exit = {true, record->exit, record->reason, record->message};
  } else if (!state.refused.empty()) {
    exit.known = true;
    exit.exit.exit_code = 1;
    exit.reason = state.refused;
  } else if (!HasStarted(worker.folder, worker.place.id.fence)) {
    exit.never_started = !worker.launched || ++not_started_[worker.place.id.task_id] <= kFreeStarts;
  }
  if (!exit.never_started) not_started_.erase(worker.place.id.task_id);
  if (worker.launched) launcher_.Forget(worker.place.id);
  listener_->OnExit(worker.place.id, exit);
}

}  // namespace ns
