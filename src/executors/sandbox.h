// A step under bubblewrap: the command line that isolates it. What is isolated by what, and why: docs/design/sandbox.md.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "tasks/step_plan.h"

namespace ns {

struct SandboxRequest {
  SandboxProfile profile;
  std::filesystem::path task_folder;  // its task.json is seen, its events.jsonl written to
  std::filesystem::path work_folder;  // writable; its scratch folder is /tmp too
  std::filesystem::path hidden;       // never seen, also where the profile names a folder above it; empty: nothing
  uint64_t shared_memory_bytes = 0;   // of /dev/shm; 0: 64 MiB
  uint64_t processes = 0;             // threads of all processes together, where the kernel counts them for each sandbox; 0: no limit
  std::vector<std::string> argv;
};

// `bwrap ... -- ARGV`: read-only system, own PID, IPC, UTS, cgroup and user namespace, no capabilities, no way to a new user namespace,
// no network namespace but an empty one unless the profile asks for the network; it ends with the process that starts it.
std::vector<std::string> SandboxCommand(const SandboxRequest& request);

// The environment of a step: none of ours but what says how to reach the network, and that only where it has one.
std::map<std::string, std::string> StepEnvironment(const Step& step, const std::filesystem::path& work_folder, bool sandboxed);

// Between bubblewrap and a step, inside of the sandbox: what can only be limited from there. `... enter --processes N -- ARGV`; runs ARGV in
// its place. 127 when that cannot be.
int EnterMain(int argc, char** argv);

// Tries a sandbox. FailedPrecondition (NO_SANDBOX) with what keeps bubblewrap from working here, and the remedy.
Status CheckSandbox();

// Where the shared libraries of `program` (a program or a script) lie, as far as that is not the system's: "/opt/onnxruntime/lib". Each
// folder once; none when it cannot be run.
std::vector<std::string> LibraryFoldersOf(const std::filesystem::path& program);

}  // namespace ns
