#include "executors/slurm_jobs.h"

#include <fcntl.h>

#include <sstream>

#include "base/file.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "executors/supervisor.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// In a worker's folder.
constexpr const char* kJobFileName = "slurm.job";
constexpr auto kTimeLimit = seconds(60);  // of one command: Slurm's own patience with its controller is shorter
constexpr auto kLockWait = seconds(120);
// A job whose worker has ended ends by itself in a moment.
constexpr auto kLinger = seconds(10);
constexpr int kMissing = 3;
constexpr int kComingBack = 20;
constexpr auto kSubmitAgain = seconds(5);
constexpr auto kGather = std::chrono::milliseconds(300);
constexpr int kLargestInArray = 1000;  // with Slurm's default MaxArraySize

// What sbatch says when the controller does not answer, is busy, or has no room for more jobs now.
bool IsPassing(const std::string& error) {
  for (const char* words : {"Unable to contact", "timed out", "Zero Bytes", "Connection refused", "try again", "temporarily",
                            "Job violates accounting/QOS policy", "MaxSubmit"}) {
    if (error.find(words) != std::string::npos) return true;
  }
  return false;
}

std::string NameOf(const WorkerId& id) { return fmt::format("ns-{}-{}-{}", id.task_id, id.worker, id.fence); }

// In slurm.job: "FENCE NAME ID", before the job is handed over without the ID.
struct StoredJob {
  std::string name, id;
};

std::optional<StoredJob> ReadJob(const fs::path& folder, int fence) {
  std::istringstream text(ReadFile(folder / kJobFileName, 4096).value_or(""));
  int of = 0;
  StoredJob job;
  if (!(text >> of >> job.name) || of != fence) return std::nullopt;
  text >> job.id;
  return job;
}

Status StoreJob(const fs::path& folder, int fence, const StoredJob& job) {
  return ReplaceFile(folder / kJobFileName, fmt::format("{} {} {}\n", fence, job.name, job.id));
}

// "12_3" is worker 3 of an array.
bool IsOf(const std::string& id, int worker) {
  size_t number = id.find('_');
  return number == std::string::npos || id.substr(number + 1) == std::to_string(worker);
}

void AppendLine(const fs::path& file, const std::string& line) {
  FileDescriptor log(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (log.valid()) (void)WriteAll(log.get(), "neural_solution: " + line + "\n", file);
}

std::optional<ForeignCommand> Run(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment = {}) {
  auto command = ForeignCommand::Start(words, kTimeLimit, environment);
  if (command.ok()) return std::move(*command);
  LogWarning("Slurm: {}", command.status().message());
  return std::nullopt;
}

}  // namespace

void SlurmJobs::End(Job& job, const std::string& why) {
  job.state.ended = true;
  job.state.why = why;
}

// Its words are the script's, each as it is: no command line is ever made into a text.
void SlurmJobs::Submit(const std::vector<Job*>& group) {
  const Job& first = *group[0];
  SupervisorOptions supervisor{.task_folder = first.folder, .attempt = first.place.id.fence, .log_file = first.place.log_file};
  supervisor.pick_cores = options_.cores_per_worker;
  supervisor.lock_wait = kLockWait;
  supervisor.elsewhere = true;
  SlurmSubmission submission{NameOf(first.place.id), !first.place.id.lead(), {}, first.folder, first.folder / "slurm.log", first.folder / "slurm.sh", {}};
  std::vector<WorkerPlace> places;
  for (const Job* job : group) places.push_back(job->place);
  if (group.size() > 1) {
    supervisor.task_folder = submission.folder = first.place.folder;
    submission.output = WorkerFolder(first.place.folder, 1).parent_path() / "%a" / "slurm.log";
    for (const Job* job : group) {
      submission.array.push_back(job->place.id.worker);
      supervisor.members[job->place.id.worker] = job->place.id.fence;
    }
  }
  auto start = StartElsewhere(options_.outpost.command, options_.planner.node_folder, options_.supervisor_command, supervisor, places);
  if (start.ok()) submission.start = std::move(*start);
  if (options_.outpost.given()) submission.folder = submission.output = "";
  Status written = !start.ok() ? start.status() : ReplaceFile(submission.script, "#!/bin/sh\nexec \"$@\"\n");
  for (Job* job : group) {
    if (written.ok()) written = StoreJob(job->folder, job->place.id.fence, {submission.name, ""});
  }
  auto sbatch = written.ok() ? Run(SbatchWords(options_, submission), submission.start.environment) : std::nullopt;
  std::vector<WorkerId> workers;
  for (Job* job : group) {
    workers.push_back(job->place.id);
    job->submit_at.reset();
    job->submitting = sbatch.has_value();
    if (!sbatch) End(*job, written.ok() ? "sbatch could not be run" : written.message());
  }
  if (sbatch) handovers_.push_back({std::move(workers), std::move(*sbatch)});
}

void SlurmJobs::SubmitDue(Time now) {
  for (auto at = jobs_.begin(); at != jobs_.end(); ++at) {
    if (!at->second.submit_at || now < *at->second.submit_at) continue;
    std::vector<Job*> group = {&at->second};
    auto may_be_in_array = [](const WorkerId& id) { return !id.lead() && id.worker <= kLargestInArray; };
    for (auto next = std::next(at); arrays_ && next != jobs_.end() && next->first.task_id == at->first.task_id; ++next) {
      if (next->second.submit_at && may_be_in_array(at->first) && may_be_in_array(next->first)) group.push_back(&next->second);
    }
    Submit(group);
  }
}

void SlurmJobs::Launch(const WorkerPlace& place, const fs::path& folder) {
  Job& job = jobs_[place.id];
  job.place = place;
  job.folder = folder;
  job.state.where = {"", true, "is being handed to Slurm"};
  // A task gets its assistants one by one, but in a moment.
  job.submit_at = steady_clock::now() + (place.id.lead() ? std::chrono::milliseconds(0) : kGather);
}

bool SlurmJobs::Adopt(const WorkerPlace& place, const fs::path& folder) {
  auto stored = ReadJob(folder, place.id.fence);
  if (!stored) {  // it was not handed over, and what comes later must not do anything
    FenceUnstarted(folder, place.id.fence);
    return false;
  }
  Job& job = jobs_[place.id];
  job.place = place;
  job.folder = folder;
  job.id = stored->id;
  if (!job.id.empty()) return true;
  job.asking = Run({"squeue", "--noheader", "--array", "--states=all", "--name", stored->name, "--format", kSqueueFormat});
  if (job.asking) return true;
  jobs_.erase(place.id);
  return false;
}

void SlurmJobs::LookAtHandovers() {
  for (size_t i = 0; i < handovers_.size();) {
    auto end = handovers_[i].sbatch.Poll();
    if (!end) {
      ++i;
      continue;
    }
    std::vector<WorkerId> workers = std::move(handovers_[i].workers);
    handovers_.erase(handovers_.begin() + static_cast<ptrdiff_t>(i));
    auto id = end->ok() ? ParseSbatch(end->out) : Result<std::string>(Unavailable("sbatch: " + end->FirstLine(), "NOT_SUBMITTED"));
    if (!id.ok() && workers.size() > 1 && end->err.find("array") != std::string::npos) arrays_ = false;
    for (const WorkerId& worker : workers) {
      auto own = id.ok() && workers.size() > 1 ? Result<std::string>(fmt::format("{}_{}", *id, worker.worker)) : id;
      if (auto found = jobs_.find(worker); found != jobs_.end()) Submitted(found->second, own, *end);
    }
  }
}

void SlurmJobs::Submitted(Job& job, const Result<std::string>& id, const CommandEnd& end) {
  job.submitting = false;
  if (id.ok()) {
    job.id = *id;
    Status status = StoreJob(job.folder, job.place.id.fence, {NameOf(job.place.id), job.id});
    if (!status.ok()) LogWarning("{}", status.message());
    job.state.where = {"", true, fmt::format("waits in Slurm (job {})", job.id)};
    ask_at_ = {};
    if (job.told_to_end) Cancel(job, false);
    return;
  }
  LogWarning("task {}: {}", job.place.id.task_id, id.status().message());
  if (job.told_to_end) return End(job, id.status().message());
  if (end.timed_out || !arrays_ || IsPassing(end.err)) {
    job.state.where.note = id.status().message();
    job.submit_at = steady_clock::now() + kSubmitAgain;
    return;
  }
  AppendLine(job.place.log_file, id.status().message());
  job.state.refused = "SLURM_REFUSED";
  End(job, id.status().message());
}

void SlurmJobs::Found(Job& job, const CommandEnd& end) {
  std::vector<SlurmJob> found = ParseSqueue(end.out);
  std::erase_if(found, [&](const SlurmJob& one) { return !IsOf(one.id, job.place.id.worker); });
  if (!end.ok() || found.empty()) {  // it was not handed over, or is forgotten by now: its record tells
    FenceUnstarted(job.folder, job.place.id.fence);
    End(job, "no job of it is in Slurm");
    return;
  }
  job.id = found.back().id;
  if (Status status = StoreJob(job.folder, job.place.id.fence, {NameOf(job.place.id), job.id}); !status.ok()) LogWarning("{}", status.message());
  Update(job, &found.back());
}

void SlurmJobs::Update(Job& job, const SlurmJob* seen) {
  if (job.state.ended) return;
  if (seen == nullptr) {
    if (++job.missing >= kMissing) End(job, fmt::format("Slurm no longer knows job {}", job.id));
    if (job.state.ended) job.phase = SlurmPhase::kOver;
    return;
  }
  // Seen for a moment also of a job that is then queued again.
  bool may_come_back = seen->state == "NODE_FAIL" || seen->state == "PREEMPTED" || seen->state == "BOOT_FAIL";
  job.missing = may_come_back ? job.missing + 1 : 0;
  if (may_come_back && job.missing < kComingBack) {
    job.state.where = {"", true, fmt::format("waits in Slurm: {} (job {})", seen->state, job.id)};
    return;
  }
  job.phase = seen->phase;
  if (seen->phase == SlurmPhase::kOver) {
    job.state.orderly = seen->state == "COMPLETED";
    End(job, fmt::format("Slurm's job {} is {}{}", job.id, seen->state, seen->reason.empty() ? "" : " (" + seen->reason + ")"));
  } else if (seen->phase == SlurmPhase::kWaiting) {
    job.state.where = {"", true, fmt::format("waits in Slurm: {} (job {})", seen->reason.empty() ? seen->state : seen->reason, job.id)};
  } else {
    job.state.where = {seen->node, false, fmt::format("Slurm job {}", job.id)};
  }
}

void SlurmJobs::Ask(Time now) {
  if (asking_ || now < ask_at_) return;
  std::string ids;
  for (const auto& [worker, job] : jobs_) {
    if (!job.id.empty() && job.phase != SlurmPhase::kOver) ids += (ids.empty() ? "" : ",") + job.id;
  }
  if (ids.empty()) return;
  asking_ = Run({"squeue", "--noheader", "--array", "--states=all", "--jobs", ids, "--format", kSqueueFormat});
  // Gentle to the controller where many jobs are ours.
  ask_at_ = now + (jobs_.size() < 50 ? seconds(1) : seconds(5));
}

void SlurmJobs::TakeAnswer(const CommandEnd& end) {
  // Of a single job that it has forgotten squeue says so, and of several leaves it out.
  bool unknown = end.err.find("Invalid job id") != std::string::npos;
  if (!end.ok() && !unknown) {
    for (auto& [worker, job] : jobs_) {
      if (!job.state.ended && !job.id.empty()) job.state.where.note = fmt::format("Slurm does not answer: {} (job {})", end.FirstLine(), job.id);
    }
    return;
  }
  std::map<std::string, SlurmJob> seen;
  for (SlurmJob& one : ParseSqueue(end.out)) seen[one.id] = std::move(one);
  for (auto& [worker, job] : jobs_) {
    if (job.id.empty() || job.phase == SlurmPhase::kOver) continue;
    auto found = seen.find(job.id);
    Update(job, found == seen.end() ? nullptr : &found->second);
  }
}

void SlurmJobs::Cancel(const Job& job, bool hard) {
  // A supervisor that runs ends its worker and writes how it ended; SIGTERM would be Slurm's own word to it.
  std::vector<std::string> words = {"scancel", job.id};
  if (!hard && job.phase == SlurmPhase::kRunning) words.insert(words.begin() + 1, {"--signal=USR1", "--batch"});
  if (auto command = Run(words)) cancels_.push_back(std::move(*command));
}

void SlurmJobs::Stop(const WorkerId& worker, bool hard) {
  auto found = jobs_.find(worker);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  bool first = !std::exchange(job.told_to_end, true);
  if (std::exchange(job.submit_at, std::nullopt)) End(job, "it was given up before Slurm took it");
  if (!job.id.empty() && job.phase != SlurmPhase::kOver && (first || hard)) Cancel(job, hard);
}

LaunchState SlurmJobs::StateOf(const WorkerId& worker) {
  auto found = jobs_.find(worker);
  NS_CHECK(found != jobs_.end(), "no launch of worker {}", worker.worker);
  return found->second.state;
}

void SlurmJobs::Forget(const WorkerId& worker) {
  auto found = jobs_.find(worker);
  if (found != jobs_.end()) found->second.forgotten = steady_clock::now();
}

// True when nothing is left to do for a job whose worker's end was told.
bool SlurmJobs::LetGo(Job& job, Time now) {
  if (!job.forgotten || job.asking || job.submitting) return false;
  if (job.id.empty()) return true;
  if (job.accounting) {
    auto end = job.accounting->Poll();
    if (!end) return false;
    auto told = accounting_ ? ParseSacct(end->out) : ParseScontrolJob(end->out);
    if (told) AppendLine(job.place.log_file, fmt::format("Slurm job {}: {}", job.id, ToString(*told)));
    return true;
  }
  if (job.phase == SlurmPhase::kOver) {
    if (std::exchange(job.accounted, true)) return true;
    job.accounting = accounting_ ? Run({"sacct", "--noheader", "--parsable2", "--allocations", "--jobs", job.id, "--format", kSacctFormat})
                                 : Run({"scontrol", "--oneliner", "show", "job", job.id});
    return !job.accounting;
  }
  // Queued again though its worker had ended, or it hangs.
  if (job.phase == SlurmPhase::kWaiting || now >= *job.forgotten + kLinger) {
    if (!std::exchange(job.ended_by_us, true)) Cancel(job, true);
  }
  return false;
}

void SlurmJobs::AskNodes(Time now) {
  if (asking_nodes_) {
    auto end = asking_nodes_->Poll();
    if (!end) return;
    asking_nodes_.reset();
    std::lock_guard lock(mutex_);
    if (end->ok()) nodes_ = ParseSinfo(end->out, options_.cores_per_worker);
    for (NodeView& node : nodes_) {
      if (!end->ok()) node.trouble = "Slurm does not answer: " + end->FirstLine();
    }
    return;
  }
  if (now < ask_nodes_at_) return;
  std::vector<std::string> words = {"sinfo", "--noheader", "--Node", "--format", kSinfoFormat};
  if (!options_.partition.empty()) words.insert(words.end(), {"--partition", options_.partition});
  asking_nodes_ = Run(words);
  ask_nodes_at_ = now + seconds(5);
}

std::vector<NodeView> SlurmJobs::Nodes() const {
  std::lock_guard lock(mutex_);
  return nodes_;
}

void SlurmJobs::Look(ExecutorListener&) {
  auto now = steady_clock::now();
  SubmitDue(now);
  LookAtHandovers();
  for (auto& [worker, job] : jobs_) {
    auto end = job.asking ? job.asking->Poll() : std::nullopt;
    if (!end) continue;
    job.asking.reset();
    Found(job, *end);
  }
  if (asking_) {
    if (auto end = asking_->Poll()) {
      asking_.reset();
      TakeAnswer(*end);
    }
  }
  std::erase_if(cancels_, [](ForeignCommand& command) { return command.Poll().has_value(); });
  for (auto at = jobs_.begin(); at != jobs_.end();) at = LetGo(at->second, now) ? jobs_.erase(at) : std::next(at);
  Ask(now);
  AskNodes(now);
}

}  // namespace ns
