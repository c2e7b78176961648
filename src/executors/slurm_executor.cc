#include "executors/slurm_executor.h"

#include <unistd.h>

#include <cstdlib>

#include "executors/command.h"
#include "executors/prepare_worker.h"
#include "executors/remote_workers.h"
#include "executors/slurm_jobs.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// All that a job gets of the service's environment. Of the rest a supervisor hands nothing to its steps either.
constexpr const char* kExported[] = {"PATH", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT",
                                     "PIP_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_EXTRA_INDEX_URL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS"};

std::string Exported(const std::map<std::string, std::string>& more) {
  std::string names;
  for (const auto& [name, value] : more) names += (names.empty() ? "" : ",") + name;
  for (const char* name : kExported) {
    if (std::getenv(name) != nullptr) names += (names.empty() ? "" : ",") + std::string(name);
  }
  return names.empty() ? "NIL" : names;
}

Result<CommandEnd> RunToEnd(const std::vector<std::string>& words) {
  NS_ASSIGN_OR_RETURN(ForeignCommand command, ForeignCommand::Start(words, std::chrono::seconds(60)));
  while (true) {
    if (auto end = command.Poll()) return *end;
    ::usleep(10'000);
  }
}

Status CheckSlurm() {
  constexpr const char* kRemedy = "--executor slurm needs Slurm's programs (Debian's package slurm-client) and a controller that answers";
  for (const std::vector<std::string>& words : {std::vector<std::string>{"sbatch", "--version"}, {"sinfo", "--noheader"}}) {
    auto end = RunToEnd(words);
    if (!end.ok()) return FailedPrecondition(fmt::format("{}: {}", kRemedy, end.status().message()), "NO_SLURM");
    if (!end->ok()) return FailedPrecondition(fmt::format("{}: {}: {}", kRemedy, words[0], end->FirstLine()), "NO_SLURM");
  }
  return OkStatus();
}

bool HasAccounting() {
  auto end = RunToEnd({"sacct", "--noheader", "--allocations", "--starttime", "now"});
  return end.ok() && end->ok();
}

}  // namespace

std::vector<std::string> SbatchWords(const SlurmExecutorOptions& options, const SlurmSubmission& submission) {
  std::vector<std::string> words = {"sbatch", "--parsable", "--requeue", "--open-mode=append", "--nodes=1", "--ntasks=1"};
  words.push_back(fmt::format("--cpus-per-task={}", options.cores_per_worker));
  words.push_back("--job-name=" + submission.name);
  if (!submission.array.empty()) words.push_back(fmt::format("--array={}", fmt::join(submission.array, ",")));
  if (submission.assistants) words.push_back(fmt::format("--nice={}", kAssistantNice));
  words.push_back("--chdir=" + (submission.folder.empty() ? "/" : submission.folder.string()));
  words.push_back("--output=" + (submission.output.empty() ? "/dev/null" : submission.output.string()));
  words.push_back("--export=" + Exported(submission.start.environment));
  if (!options.partition.empty()) words.push_back("--partition=" + options.partition);
  if (!options.account.empty()) words.push_back("--account=" + options.account);
  if (!options.time_limit.empty()) words.push_back("--time=" + options.time_limit);
  words.insert(words.end(), options.sbatch_options.begin(), options.sbatch_options.end());
  words.push_back(submission.script.string());
  words.insert(words.end(), submission.start.command.begin(), submission.start.command.end());
  return words;
}

SlurmExecutor::SlurmExecutor(const SlurmExecutorOptions& options) : options_(options) {}
SlurmExecutor::~SlurmExecutor() { workers_.reset(); }

Result<std::unique_ptr<SlurmExecutor>> SlurmExecutor::Create(const SlurmExecutorOptions& options) {
  SlurmExecutorOptions complete = options;
  complete.planner.teams = options.max_workers_per_task > 1;
  complete.planner.relayed = true;
  NS_RETURN_IF_ERROR(CompletePlanner(&complete.planner));
  NS_RETURN_IF_ERROR(CheckSlurm());
  std::unique_ptr<SlurmExecutor> executor(new SlurmExecutor(complete));
  executor->jobs_ = std::make_unique<SlurmJobs>(executor->options_, HasAccounting());
  executor->workers_ = std::make_unique<RemoteWorkers>(*executor->jobs_);
  return executor;
}

void SlurmExecutor::Listen(ExecutorListener* listener) { workers_->Listen(listener); }

Status SlurmExecutor::Start(const WorkerPlace& place) {
  NS_RETURN_IF_ERROR(PrepareWorker(options_.planner, place));
  workers_->Start(place);
  return OkStatus();
}

void SlurmExecutor::Adopt(const WorkerPlace& place, uint64_t after_seq) { workers_->Adopt(place, after_seq); }
void SlurmExecutor::Stop(const WorkerId& worker) { workers_->Stop(worker); }
std::vector<NodeView> SlurmExecutor::own_nodes() const { return jobs_->Nodes(); }

}  // namespace ns
