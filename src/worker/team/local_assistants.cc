#include "worker/team/local_assistants.h"

#include <fmt/ranges.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/cpu.h"
#include "base/hash.h"

namespace ns {

namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 2s;
constexpr auto kLook = 20ms;

}  // namespace

std::vector<std::vector<int>> SplitCores(const std::vector<int>& cores, int parts) {
  size_t count = cores.size(), all = static_cast<size_t>(parts);
  NS_CHECK(parts > 0 && all <= count);
  std::vector<std::vector<int>> split;
  for (size_t part = 0, begin = 0; part < all; ++part) {
    size_t size = count / all + (part < count % all ? 1 : 0);
    split.emplace_back(cores.begin() + static_cast<std::ptrdiff_t>(begin), cores.begin() + static_cast<std::ptrdiff_t>(begin + size));
    begin += size;
  }
  return split;
}

Result<LocalAssistants> LocalAssistants::Start(int workers, const std::filesystem::path& program, ScratchFolders& scratch,
                                               OptimizeOptions* options) {
  LocalAssistants assistants;
  std::vector<int> cores = options->cores.empty() ? UsableCores() : options->cores;
  workers = std::min(workers, static_cast<int>(cores.size()));
  if (workers <= 1 || options->dry_run || !options->recipe.empty()) return assistants;
  NS_ASSIGN_OR_RETURN(assistants.folder_, TempDir::Create("ns-team-"));
  scratch.Add(assistants.folder_->path());
  assistants.scratch_ = &scratch;
  options->lead.workers = workers;
  options->lead.socket = assistants.folder_->path() / "lead.sock";
  options->lead.token_file = assistants.folder_->path() / "token";
  NS_RETURN_IF_ERROR(WriteFileAtomic(options->lead.token_file, RandomHex(32)));
  std::vector<std::vector<int>> split = SplitCores(cores, workers);
  options->cores = split[0];
  for (int worker = 1; worker < workers; ++worker) {
    const std::vector<int>& own = split[static_cast<size_t>(worker)];
    size_t threads = options->threads > 0 ? std::min(own.size(), static_cast<size_t>(options->threads)) : own.size();
    SpawnOptions spawn;
    spawn.argv = {program.string(), "assist", "--lead-socket", options->lead.socket.string(), "--team-token-file", options->lead.token_file.string(),
                  "--worker", std::to_string(worker), "--cores", fmt::format("{}", fmt::join(own, ",")), "--threads", std::to_string(threads),
                  "--parent", std::to_string(::getpid())};
    spawn.stdout_file = spawn.stderr_file = assistants.folder_->path() / fmt::format("worker-{}.log", worker);
    NS_ASSIGN_OR_RETURN(ProcessId process, Spawn(spawn));
    assistants.processes_.push_back(process);
  }
  return assistants;
}

LocalAssistants::~LocalAssistants() {
  for (const ProcessId& process : processes_) (void)SignalProcess(process, SIGTERM);  // those that their lead has not sent away
  auto end = std::chrono::steady_clock::now() + kPatience;
  for (const ProcessId& process : processes_) {
    while (true) {
      auto ended = TryWaitChild(process.pid);
      if (!ended.ok() || *ended) break;
      if (std::chrono::steady_clock::now() >= end) {
        (void)SignalProcess(process, SIGKILL);
        (void)WaitChild(process.pid);
        break;
      }
      std::this_thread::sleep_for(kLook);
    }
  }
  if (folder_ && !folder_->path().empty()) scratch_->Remove(folder_->path());
}

void EndWithParent(const AssistOptions& options) {
  if (options.parent == 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != options.parent) ::_exit(1);  // it has gone already
}

}  // namespace ns
