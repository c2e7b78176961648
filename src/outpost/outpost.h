// A worker's outpost, on a node that does not see the service's workspace: `neural_solution outpost --service URL ... --node-folder DIR --cache-bytes N
// --task ID --worker W:F -- SUPERVISOR...`, started by mpirun or Slurm. It brings what the worker needs from the service into a folder of the node,
// starts the worker's supervisor there, which finds all files where it would find them in the workspace, and brings to the service what these write.
//
// Signals are passed on to the supervisor. While the service does not answer the worker works on, and what it wrote is sent when the service is there
// again. With several --worker (an array of Slurm's) SLURM_ARRAY_TASK_ID says which it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct OutpostWords {
  std::vector<std::string> services;
  std::string tls_pin;
  std::filesystem::path node_folder;
  uint64_t cache_bytes = 0;
  std::string task;
  std::map<int, int> workers;           // number and fence
  std::vector<std::string> supervisor;  // with its words
};
// The words of the service's own; task, workers and supervisor are appended by whoever starts it.
std::vector<std::string> OutpostCommand(const std::string& program, const OutpostWords& words);
// InvalidArgument (BAD_USAGE).
Result<OutpostWords> ParseOutpostWords(const std::vector<std::string>& words);

// main(), argv[1] being "outpost". The exit code: the supervisor's; 0 where nothing was to be done; 75 when another start may succeed; 64 for bad words.
int OutpostMain(int argc, char** argv);

}  // namespace ns
