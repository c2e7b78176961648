#include "outpost/outpost.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/replace_file.h"
#include "base/subprocess.h"
#include "base/tree.h"
#include "outpost/courier.h"
#include "outpost/node_folder.h"
#include "outpost/node_store.h"
#include "outpost/service_line.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kLook = milliseconds(200);
constexpr auto kPause = milliseconds(1'000);                   // before a service that does not answer is asked again
constexpr auto kBeginPatience = std::chrono::seconds(60);      // for a service that never answered
constexpr std::chrono::seconds kEndPatience = std::chrono::hours(1);  // with a result that the service has not got
constexpr auto kToldPatience = std::chrono::seconds(20);       // ... of an outpost that was told to end
constexpr auto kKill = std::chrono::seconds(15);               // from asking a supervisor to end to killing it

// Signals that were sent to us: they are blocked, and looked for.
class Signals {
 public:
  Signals() {
    sigemptyset(&waited_);
    for (int signal : {SIGTERM, SIGUSR1, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&waited_, signal);
    ::sigprocmask(SIG_BLOCK, &waited_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  // The next one that tells us to end; none after `wait`, or when a child has changed.
  std::optional<int> Wait(milliseconds wait) {
    timespec time{wait.count() / 1000, (wait.count() % 1000) * 1'000'000};
    int signal = ::sigtimedwait(&waited_, nullptr, &time);
    if (signal <= 0 || signal == SIGCHLD) return std::nullopt;
    told_ = signal;
    return signal;
  }
  bool told() const { return told_ != 0; }

 private:
  sigset_t waited_;
  int told_ = 0;
};

bool MayPass(const Status& status) { return status.code() == StatusCode::kUnavailable; }
bool IsGivenUp(const Status& status) { return status.reason() == "GIVEN_UP"; }

class Outpost {
 public:
  Outpost(const OutpostWords& words, const WorkerId& worker, const std::string& token)
      : words_(words), worker_(worker), line_({words.services, words.tls_pin, worker, token, RandomHex(16)}) {}

  int Run();

 private:
  Result<OutpostOrder> Begin();
  Result<int> Work(const NodeFolder& node, const OutpostOrder& order);
  Status MakeFolders() const;
  Status Bring(const NodeFolder& node, const OutpostOrder& order);
  Status BringOne(const OutpostFile& file, const NodeStore& store);
  Status MakeShared() const;
  Status FailedToBring(const Status& why);
  Result<int> Supervise();
  Status End();
  bool Stopped();
  void Say(const std::string& text) const;

  const OutpostWords& words_;
  const WorkerId worker_;
  Signals signals_;
  ServiceLine line_;
  fs::path task_, folder_, log_;
  std::optional<Courier> courier_;
  bool given_up_ = false;
};

// To our own output, and to the task's log once there is one.
void Outpost::Say(const std::string& text) const {
  std::string line = "neural_solution: " + text + "\n";
  (void)!::write(2, line.data(), line.size());
  FileDescriptor log(log_.empty() ? -1 : ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.valid()) (void)WriteAll(log.get(), line, log_);
}

// Asked all the while that something long goes on.
bool Outpost::Stopped() {
  (void)signals_.Wait(milliseconds(0));
  if (courier_ && !courier_->Beat()) given_up_ = true;
  return signals_.told() || given_up_;
}

Result<OutpostOrder> Outpost::Begin() {
  auto until = steady_clock::now() + kBeginPatience;
  while (true) {
    auto order = line_.Begin();
    if (order.ok() || !MayPass(order.status())) return order;
    if (order.status().reason() == "NOT_YET") until = steady_clock::now() + kBeginPatience;
    if (steady_clock::now() > until || signals_.Wait(kPause)) return order.status();
  }
}

// What is left of an earlier start of this worker goes; the others of the task on this node keep theirs.
Status Outpost::MakeFolders() const {
  if (worker_.lead()) {
    for (const char* name : {kWorkFolderName, kResultFolderName, kInputsFolderName, kNodeCacheFolderName, kExitStatusFileName, kPidFileName, kStepPlanFileName,
                             kEventsFileName, kTaskFileName, kTeamAddressFileName}) {
      NS_RETURN_IF_ERROR(RemoveTree(task_ / name));
    }
  } else {
    NS_RETURN_IF_ERROR(RemoveTree(folder_));
  }
  std::error_code error;
  fs::create_directories(TeamFolder(folder_), error);
  if (!error && worker_.lead()) fs::create_directories(task_ / kInputsFolderName, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder_.string())) : OkStatus();
}

Status Outpost::BringOne(const OutpostFile& file, const NodeStore& store) {
  const fs::path target = task_ / file.target;
  auto stopped = [this] { return Stopped(); };
  auto fetch = [&](const fs::path& to) { return line_.Fetch(file, to, stopped); };
  if (file.kept) return store.Place(file, target, fetch);
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  const fs::path aside = target.string() + fmt::format(".{}", worker_.worker);
  if (file.size == 0) return ReplaceFile(target, "");
  NS_RETURN_IF_ERROR(fetch(aside));
  NS_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(aside));
  if (sha256 != file.sha256) return Status(StatusCode::kDataLoss, fmt::format("'{}' came with other bytes than its digest says", file.target), "DIGEST_MISMATCH");
  fs::permissions(aside, fs::perms::owner_read | fs::perms::owner_write, error);
  fs::rename(aside, target, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot write '{}'", target.string())) : OkStatus();
}

Status Outpost::Bring(const NodeFolder& node, const OutpostOrder& order) {
  NodeStore store({words_.node_folder / "files", words_.cache_bytes, uint64_t{1} << 30, [this] { return Stopped(); }});
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, node.LockGiven([this] { return Stopped(); }));
  for (const OutpostFile& file : order.files) {
    for (auto until = steady_clock::now() + kBeginPatience;;) {
      Status status = BringOne(file, store);
      if (status.ok()) break;
      if (!MayPass(status) || steady_clock::now() > until) return status.WithContext(fmt::format("'{}' cannot be brought to this node", file.target));
      Say(status.message());
      if (signals_.Wait(kPause)) return Cancelled();
    }
  }
  return OkStatus();
}

// What its steps share with those of other tasks: a sandbox shows only what is there.
Status Outpost::MakeShared() const {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(folder_ / kStepPlanFileName, 16 << 20));
  NS_ASSIGN_OR_RETURN(StepPlan plan, ParseStepPlan(text));
  std::error_code error;
  for (const Step& step : plan.steps) {
    for (const std::string& folder : step.sandbox.shared) {
      if (!error) fs::create_directories(folder, error);
    }
  }
  return error ? ErrnoStatus(error.value(), "cannot make a folder that tasks share") : OkStatus();
}

// Another start may have more luck, here or elsewhere.
Status Outpost::FailedToBring(const Status& why) {
  Say(why.message());
  ExitRecord record{worker_.fence, {kTryAgainExitCode, 0}, "bring", "", why.message()};
  return ReplaceFile(folder_ / kExitStatusFileName, ExitRecordToJson(record));
}

Result<int> Outpost::Supervise() {
  SpawnOptions spawn;
  spawn.argv = words_.supervisor;
  spawn.working_folder = folder_;
  spawn.new_session = true;  // who ends us by our group leaves it the time to keep what was found out
  spawn.stdout_file = spawn.stderr_file = log_;
  NS_ASSIGN_OR_RETURN(ProcessId supervisor, Spawn(spawn));
  auto carry_at = steady_clock::now();
  std::optional<steady_clock::time_point> kill_at;
  auto end = [&](int signal) {
    (void)SignalProcess(supervisor, signal);
    if (!kill_at) kill_at = steady_clock::now() + kKill;
  };
  while (true) {
    NS_ASSIGN_OR_RETURN(auto exit, TryWaitChild(supervisor.pid));
    if (exit) return exit->signal != 0 ? kTryAgainExitCode : exit->exit_code;
    if (auto signal = signals_.Wait(kLook)) end(*signal == SIGUSR1 ? SIGUSR1 : SIGTERM);
    auto now = steady_clock::now();
    if (kill_at && now >= *kill_at) (void)SignalProcess(supervisor, SIGKILL);
    if (given_up_ || now < carry_at) continue;
    Status status = courier_->Carry();
    carry_at = steady_clock::now() + (status.ok() ? milliseconds(0) : kPause);
    if (!IsGivenUp(status)) continue;
    given_up_ = true;
    end(SIGUSR1);
  }
}

Status Outpost::End() {
  auto begun = steady_clock::now();
  std::string said;
  while (true) {
    Status status = courier_->CarryEnd();
    if (status.ok() || IsGivenUp(status)) return OkStatus();
    bool may_pass = MayPass(status) || status.reason() == "DISK_FULL";
    std::chrono::seconds patience = signals_.told() ? kToldPatience : may_pass ? kEndPatience : kBeginPatience;
    if (steady_clock::now() - begun > patience) return status;
    if (std::exchange(said, status.message()) != status.message()) Say("the service did not take what the worker brings yet: " + status.message());
    (void)signals_.Wait(kPause);
  }
}

Result<int> Outpost::Work(const NodeFolder& node, const OutpostOrder& order) {
  task_ = node.task();
  folder_ = WorkerFolder(task_, worker_.worker);
  NS_RETURN_IF_ERROR(MakeFolders());
  log_ = folder_ / "log";
  std::error_code error;
  fs::remove(log_, error);
  courier_.emplace(Courier::Places{task_, folder_, log_, worker_.lead(), worker_.fence}, line_);
  Status brought = Bring(node, order);
  if (given_up_ || IsGivenUp(brought)) return 0;
  if (signals_.told()) return kTryAgainExitCode;
  int code = kTryAgainExitCode;
  if (brought.ok()) brought = MakeShared();
  if (brought.ok()) {
    courier_.emplace(Courier::Places{task_, folder_, log_, worker_.lead(), worker_.fence}, line_);
    NS_ASSIGN_OR_RETURN(code, Supervise());
  } else {
    NS_RETURN_IF_ERROR(FailedToBring(brought));
  }
  if (given_up_) return 0;
  NS_RETURN_IF_ERROR(End());
  return code;
}

int Outpost::Run() {
  auto order = Begin();
  if (!order.ok()) return Say(order.status().message()), IsGivenUp(order.status()) ? 0 : kTryAgainExitCode;
  if (order->ended) return 0;
  auto node = NodeFolder::Enter(words_.node_folder, worker_.task_id);
  if (!node.ok()) return Say(node.status().message()), kTryAgainExitCode;
  auto code = Work(*node, *order);
  if (!code.ok()) return Say(code.status().message()), kTryAgainExitCode;
  return *code;
}

std::optional<WorkerId> Which(const OutpostWords& words) {
  auto worker = words.workers.begin();
  if (words.workers.size() > 1) {
    const char* number = std::getenv("SLURM_ARRAY_TASK_ID");
    worker = words.workers.find(number == nullptr ? 0 : std::atoi(number));
  }
  if (worker == words.workers.end()) return std::nullopt;
  return WorkerId{words.task, worker->first, worker->second};
}

int BadUsage(const std::string& why) { return std::fprintf(stderr, "neural_solution outpost: %s\n", why.c_str()), 64; }

}  // namespace

int OutpostMain(int argc, char** argv) {
  pid_t parent = ::getppid();
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != parent) return kTryAgainExitCode;
  auto words = ParseOutpostWords({argv + 2, argv + argc});
  if (!words.ok()) return BadUsage(words.status().message());
  auto worker = Which(*words);
  const char* token = std::getenv(kOutpostTokenVariable);
  if (!worker || token == nullptr) return BadUsage(!worker ? "SLURM_ARRAY_TASK_ID names none of its workers" : fmt::format("{} is not set", kOutpostTokenVariable));
  std::string secret = token;
  ::unsetenv(kOutpostTokenVariable);
  return Outpost(*words, *worker, secret).Run();
}

}  // namespace ns
