// What Slurm's programs print, read. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/cluster.h"

namespace ns {

// What is asked of squeue, with --array a line for each job: id, state, reason, node. None of it is a user's text.
inline constexpr const char* kSqueueFormat = "%i|%T|%r|%N";
// ... of sinfo, a line for each node: name, state, CPUs, allocated/idle/other/all of them, why it is down or drained, by the administrator.
inline constexpr const char* kSinfoFormat = "%N|%T|%c|%C|%E";
// ... of sacct.
inline constexpr const char* kSacctFormat = "JobID,State,ExitCode,Elapsed,NodeList";

enum class SlurmPhase { kWaiting, kRunning, kOver };

struct SlurmJob {
  std::string id;     // "12"; of an array "12_3"
  std::string state;  // "PENDING"
  std::string reason; // "Resources"; "": none
  std::string node;   // "": none yet
  SlurmPhase phase = SlurmPhase::kWaiting;
  bool operator==(const SlurmJob&) const = default;
};

// What a state means: COMPLETING still runs, a requeued job waits, one that Slurm knows nothing good of is over. Unknown words wait.
SlurmPhase PhaseOf(std::string_view state);

// A line that is not of the format is left out.
std::vector<SlurmJob> ParseSqueue(std::string_view text);

// What sbatch --parsable prints: "12", or "12;cluster". Unavailable (BAD_ANSWER).
Result<std::string> ParseSbatch(std::string_view text);

// How a job ended, for people and for the log.
struct SlurmEnd {
  std::string state;    // "COMPLETED"
  int exit_code = 0, signal = 0;
  std::string elapsed;  // "00:00:35"
  std::string node;
  int restarts = 0;     // 0 also where sacct does not say
  bool operator==(const SlurmEnd&) const = default;
};
// "COMPLETED on node3 after 00:00:35, exit code 0"
std::string ToString(const SlurmEnd& end);
// `scontrol --oneliner show job ID`. None when it says nothing of the job.
std::optional<SlurmEnd> ParseScontrolJob(std::string_view text);
// `sacct --noheader --parsable2 --allocations --format=...`: the last line of the job.
std::optional<SlurmEnd> ParseSacct(std::string_view text);

// Each node once, whatever partitions it is in, in the order of the text, numbered from 1. A node's slots are its CPUs divided by those of a worker.
// Down, drained and the like: with what Slurm says of it as trouble.
std::vector<NodeView> ParseSinfo(std::string_view text, int cores_per_worker);

}  // namespace ns
