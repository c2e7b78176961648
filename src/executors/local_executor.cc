#include "executors/local_executor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "executors/event_tail.h"
#include "base/replace_file.h"
#include "executors/prepare_worker.h"
#include "executors/standby_pool.h"
#include "executors/supervisor.h"
#include "tasks/process_files.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

// A supervisor ends its worker 1.5 s after SIGTERM; one that has not ended by now is killed itself, and its worker with it.
constexpr auto kSupervisorPatience = std::chrono::milliseconds(1'900);
// How long nothing must have been started before supervisors are started for what may come: a process that moves into its control groups
// keeps all others from forking meanwhile.
constexpr auto kQuiet = std::chrono::milliseconds(30);

struct Watched {
  WorkerPlace place;
  fs::path folder;  // its own
  ProcessId supervisor;
  FileDescriptor pidfd;
  int inotify_watch = -1;
  EventTail tail;
  std::optional<steady_clock::time_point> kill_at;
};

fs::path FolderOf(const WorkerPlace& place) { return WorkerFolder(place.folder, place.id.worker); }

std::optional<ExitRecord> ReadExit(const Watched& worker) {
  auto text = ReadFile(worker.folder / kExitStatusFileName);
  auto record = text.ok() ? ParseExitRecord(*text) : Result<ExitRecord>(text.status());
  if (!record.ok() || record->attempt != worker.place.id.fence) return std::nullopt;
  return *record;
}

std::optional<WorkerPids> ReadPids(const WorkerPlace& place) {
  auto text = ReadFile(FolderOf(place) / kPidFileName);
  auto pids = text.ok() ? ParseWorkerPids(*text) : Result<WorkerPids>(text.status());
  if (!pids.ok() || pids->attempt != place.id.fence) return std::nullopt;
  return *pids;
}

Result<ProcessId> SpawnSupervisor(const std::vector<std::string>& command, const WorkerPlace& place) {
  SpawnOptions spawn;
  spawn.argv = command;
  for (std::string& word : SupervisorWords({.task_folder = FolderOf(place), .attempt = place.id.fence})) spawn.argv.push_back(std::move(word));
  spawn.working_folder = FolderOf(place);
  spawn.new_session = true;
  spawn.stdout_file = spawn.stderr_file = place.log_file;
  spawn.pin_to_cores = place.cores;
  return Spawn(spawn);
}

FileDescriptor OpenPidFd(pid_t pid) { return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

class LocalExecutor::Loop {
 public:
  explicit Loop(const LocalExecutorOptions& options) : standbys_(options.supervisor_command, options.standbys) {}
  Status Open();
  ~Loop();

  void Listen(ExecutorListener* listener) {
    std::lock_guard lock(mutex_);
    listener_ = listener;
  }
  // Runs `work` on the loop's thread.
  void Post(std::function<void()> work);
  void Watch(const WorkerPlace& place, std::optional<ProcessId> supervisor, uint64_t after_seq);
  void Stop(const WorkerId& id);
  StandbyPool& standbys() { return standbys_; }
  void FillStandbysSoon() { fill_at_ = steady_clock::now() + kQuiet; }

 private:
  void Run();
  int NextTimeout() const;
  void DrainEventFd();
  void DrainInotify();
  void ReadEvents(Watched& worker);
  void ReadEventsOf(int pidfd);
  void Ended(int pidfd);
  void Finish(const std::shared_ptr<Watched>& worker);
  void KillOverdue();
  void FillStandbys();

  StandbyPool standbys_;
  FileDescriptor epoll_, wake_, inotify_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  ExecutorListener* listener_ = nullptr;
  bool stop_ = false;
  // Of the loop's thread only:
  std::map<int, Watched> workers_;        // by pidfd
  std::map<int, int> by_inotify_watch_;   // -> pidfd
  std::optional<steady_clock::time_point> fill_at_;
  std::thread thread_;
};

Status LocalExecutor::Loop::Open() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!epoll_.valid() || !wake_.valid() || !inotify_.valid()) return ErrnoStatus(errno, "cannot watch processes");
  for (int fd : {wake_.get(), inotify_.get()}) {
    epoll_event event{EPOLLIN, {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return ErrnoStatus(errno, "cannot watch processes");
  }
  thread_ = std::thread([this] { Run(); });
  return OkStatus();
}

LocalExecutor::Loop::~Loop() {
  Post([this] { stop_ = true; });
  if (thread_.joinable()) thread_.join();
}

void LocalExecutor::Loop::Post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
}

void LocalExecutor::Loop::Run() {
  epoll_event events[64];
  while (!stop_) {
    int count = ::epoll_wait(epoll_.get(), events, 64, NextTimeout());
    // Requests first: one may be the registration of a worker that an event below is about.
    DrainEventFd();
    for (int i = 0; i < count && !stop_; ++i) {
      int fd = events[i].data.fd;
      if (fd == inotify_.get()) {
        DrainInotify();
      } else if (fd != wake_.get()) {
        Ended(fd);
      }
    }
    KillOverdue();
    FillStandbys();
  }
}

int LocalExecutor::Loop::NextTimeout() const {
  std::optional<steady_clock::time_point> first = fill_at_;
  for (const auto& [fd, worker] : workers_) {
    if (worker.kill_at && (!first || *worker.kill_at < *first)) first = worker.kill_at;
  }
  if (!first) return -1;
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*first - steady_clock::now()).count();
  return static_cast<int>(std::max<int64_t>(0, left)) + 1;
}

void LocalExecutor::Loop::DrainEventFd() {
  uint64_t count;
  (void)!::read(wake_.get(), &count, sizeof(count));
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (auto& one : work) one();
}

void LocalExecutor::Loop::DrainInotify() {
  alignas(inotify_event) char buffer[1 << 14];
  for (ssize_t got; (got = ::read(inotify_.get(), buffer, sizeof(buffer))) > 0;) {
    for (char* at = buffer; at < buffer + got;) {
      auto* event = reinterpret_cast<inotify_event*>(at);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        for (auto& [fd, worker] : workers_) ReadEventsOf(fd);
      } else if (auto found = by_inotify_watch_.find(event->wd); found != by_inotify_watch_.end()) {
        ReadEventsOf(found->second);
      }
      at += sizeof(inotify_event) + event->len;
    }
  }
}

void LocalExecutor::Loop::ReadEvents(Watched& worker) {
  if (!worker.place.id.lead()) return;
  auto events = worker.tail.ReadNew();
  if (!events.ok()) {
    LogWarning("events of task {}: {}", worker.place.id.task_id, events.status().message());
  } else if (!events->empty()) {
    listener_->OnEvents(worker.place.id, std::move(*events));
  }
}

// A worker that writes without end must not keep the others waiting: the rest of its events comes after theirs.
void LocalExecutor::Loop::ReadEventsOf(int pidfd) {
  auto found = workers_.find(pidfd);
  if (found == workers_.end()) return;
  ReadEvents(found->second);
  if (found->second.tail.more()) Post([this, pidfd] { ReadEventsOf(pidfd); });
}

void LocalExecutor::Loop::Watch(const WorkerPlace& place, std::optional<ProcessId> supervisor, uint64_t after_seq) {
  Watched worker{place, FolderOf(place), supervisor.value_or(ProcessId{}), {}, -1, EventTail(FolderOf(place) / kEventsFileName, after_seq), {}};
  if (supervisor) worker.pidfd = OpenPidFd(supervisor->pid);
  int opened = errno;
  // The pid may have gone to another process; once we hold the descriptor it cannot change any more. A child of ours keeps its pid until we
  // wait for it, so for one that has just ended the descriptor is right, too.
  bool child = supervisor && ::waitid(P_PID, static_cast<id_t>(supervisor->pid), nullptr, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (supervisor && !worker.pidfd.valid() && opened != ESRCH) {
    // One that cannot be watched must not run on unseen.
    LogError("cannot watch the supervisor of task {}: {}", place.id.task_id, ErrnoStatus(opened, "pidfd_open").message());
    (void)SignalProcess(*supervisor, SIGTERM);
  }
  if (!worker.pidfd.valid() || (!child && !IsRunning(*supervisor))) return Finish(std::make_shared<Watched>(std::move(worker)));
  if (place.id.lead()) worker.inotify_watch = ::inotify_add_watch(inotify_.get(), (place.folder / kEventsFileName).c_str(), IN_MODIFY);
  if (place.id.lead() && worker.inotify_watch < 0) LogWarning("events of task {} come late: {}", place.id.task_id, ErrnoStatus(errno, "inotify_add_watch").message());
  int fd = worker.pidfd.get();
  auto at = workers_.emplace(fd, std::move(worker)).first;
  if (at->second.inotify_watch >= 0) by_inotify_watch_[at->second.inotify_watch] = fd;
  epoll_event event{EPOLLIN, {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) LogError("cannot watch process {}", at->second.supervisor.pid);
  ReadEventsOf(fd);  // what was written before the watch
}

void LocalExecutor::Loop::Ended(int pidfd) {
  auto found = workers_.find(pidfd);
  if (found == workers_.end()) return;
  auto worker = std::make_shared<Watched>(std::move(found->second));
  workers_.erase(found);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pidfd, nullptr);
  if (worker->inotify_watch >= 0) {
    by_inotify_watch_.erase(worker->inotify_watch);
    ::inotify_rm_watch(inotify_.get(), worker->inotify_watch);
  }
  (void)TryWaitChild(worker->supervisor.pid);  // no child of ours after a restart
  Finish(worker);
}

// The last events, a bit at a time, as above; then the exit.
void LocalExecutor::Loop::Finish(const std::shared_ptr<Watched>& worker) {
  ReadEvents(*worker);
  if (worker->tail.more()) return Post([this, worker] { Finish(worker); });
  auto record = ReadExit(*worker);
  WorkerExit exit;
  exit.never_started = !record && worker->supervisor.pid == 0;  // nobody wrote that it had one
  if (record) exit = {true, record->exit, record->reason, record->message};
  listener_->OnExit(worker->place.id, exit);
}

void LocalExecutor::Loop::Stop(const WorkerId& id) {
  for (auto& [fd, worker] : workers_) {
    if (worker.place.id != id || worker.kill_at) continue;
    ::syscall(SYS_pidfd_send_signal, fd, SIGTERM, nullptr, 0);
    worker.kill_at = steady_clock::now() + kSupervisorPatience;
  }
}

void LocalExecutor::Loop::KillOverdue() {
  for (auto& [fd, worker] : workers_) {
    if (!worker.kill_at || steady_clock::now() < *worker.kill_at) continue;
    if (auto pids = ReadPids(worker.place)) (void)SignalGroup(pids->worker, SIGKILL);
    ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0);
    worker.kill_at = steady_clock::now() + kSupervisorPatience;
  }
}

void LocalExecutor::Loop::FillStandbys() {
  if (stop_ || !fill_at_ || steady_clock::now() < *fill_at_) return;
  fill_at_.reset();
  standbys_.Fill();
}

LocalExecutor::LocalExecutor(const LocalExecutorOptions& options, std::unique_ptr<Loop> loop)
    : options_(options), loop_(std::move(loop)) {}
LocalExecutor::~LocalExecutor() = default;

Result<std::unique_ptr<LocalExecutor>> LocalExecutor::Create(const LocalExecutorOptions& options) {
  NS_CHECK(!options.supervisor_command.empty() && !options.planner.worker_command.empty());
  LocalExecutorOptions complete = options;
  complete.planner.teams = options.max_workers_per_task > 1;
  NS_RETURN_IF_ERROR(CompletePlanner(&complete.planner));
  auto loop = std::make_unique<Loop>(complete);
  NS_RETURN_IF_ERROR(loop->Open());
  loop->Post([running = loop.get()] { running->FillStandbysSoon(); });
  return std::unique_ptr<LocalExecutor>(new LocalExecutor(complete, std::move(loop)));
}

void LocalExecutor::Listen(ExecutorListener* listener) { loop_->Listen(listener); }

Status LocalExecutor::Start(const WorkerPlace& place) {
  NS_RETURN_IF_ERROR(PrepareWorker(options_.planner, place));
  auto supervisor = loop_->standbys().Take(SupervisorWords({.task_folder = FolderOf(place), .attempt = place.id.fence, .log_file = place.log_file,
                                                            .cores = place.cores}));
  if (!supervisor) {
    NS_ASSIGN_OR_RETURN(supervisor, SpawnSupervisor(options_.supervisor_command, place));
  }
  loop_->Post([this, place, supervisor] {
    loop_->Watch(place, supervisor, 0);
    loop_->FillStandbysSoon();
  });
  return OkStatus();
}

void LocalExecutor::Adopt(const WorkerPlace& place, uint64_t after_seq) {
  auto pids = ReadPids(place);
  // A supervisor that was started just before the service died writes its pids within moments; its lock says that it is there. One that
  // comes later still, after the attempt was given up, must not start a second worker.
  fs::path folder = FolderOf(place);
  if (!pids && !IsSupervised(folder)) FenceUnstarted(folder, place.id.fence);
  for (int round = 0; !pids && round < 200; ++round) {
    bool supervised = IsSupervised(folder);  // before the pids: it may end in between
    pids = ReadPids(place);
    if (pids || !supervised) break;
    ::usleep(10'000);
  }
  std::optional<ProcessId> supervisor;
  if (pids) supervisor = pids->supervisor;
  loop_->Post([this, place, supervisor, after_seq] { loop_->Watch(place, supervisor, after_seq); });
}

void LocalExecutor::Stop(const WorkerId& worker) {
  loop_->Post([this, worker] { loop_->Stop(worker); });
}

}  // namespace ns
