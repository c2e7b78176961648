// Options of `start` and `serve`: the original's names, and ours.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/command_line.h"

namespace ns {

struct ServeOptions {
  std::string workspace = "./ns_workspace";
  std::string host = "127.0.0.1";
  bool insecure = false;          // may listen elsewhere than on this machine, without access control
  bool require_tokens = false;    // also on this machine's own addresses
  double read_timeout = 30;       // seconds for a whole request, and for each piece of an answer to be taken
  double rate_limit = -1;         // requests a second of one token or address; 0: no limit; below: 100 where tokens are required, else none
  int restful_api_port = 8000;    // 0: any free one
  int grpc_api_port = 8001;       // not given and the same as another that was: the next free one
  int result_monitor_port = 3333;  // of nodes that do not see the workspace
  int task_monitor_port = 2222;    // metrics and health
  std::string tls_cert, tls_key;   // PEM files; both or none: plain
  std::string api_type = "all";
  std::string upload_path = "examples";
  uint64_t max_upload_bytes = 16'000'000'000;  // of one uploaded or fetched file
  bool allow_private_addresses = false;   // addresses in requests may lead to any host
  std::string allow_addresses;            // ... or to these blocks: "10.0.0.0/8,fd00::/8"
  std::string fetch_proxy;                // what fetches go through; "": nothing
  uint64_t fetch_cache_bytes = 50'000'000'000;  // kept of fetched files
  std::string webhook_secret;             // file with the key that signs webhooks; "": they are not signed
  std::string conda_env;           // of script tasks: a conda environment's name, or the folder of a conda or virtual environment; "": python3
  std::string hostfile;            // "": this machine
  std::string executor = "local";
  std::string mpirun = "mpirun";   // of the executor mpi
  std::string mpi_options;         // more words of its command line
  std::string slurm_partition, slurm_account, slurm_time_limit, slurm_options;  // of the executor slurm; "": Slurm's own
  std::string team_network;        // of a node's addresses, which one a task's workers on other nodes reach its lead by: "10.1.0.0/16"; "": any
  std::string shared_workspace = "yes";                    // no: nodes do not see the workspace, and get from the service what they need
  std::string node_folder = "/var/tmp/neural_solution";    // ... and keep it here
  uint64_t node_cache_bytes = 50'000'000'000;              // ... of models and data, for other tasks
  int slurm_max_jobs = 64;         // workers that Slurm has at a time
  int cores_per_worker = 0;        // 0: a quarter of the cores, at least 1, at most 4
  std::string sandbox = "bwrap";   // or none: workers run with the service's own rights
  std::string script_network = "off";  // of script tasks
  double environment_timeout = 1800;   // seconds that building the environment of a script's requirements may take
  uint64_t environment_cache_bytes = 20'000'000'000;  // kept of environments of scripts' requirements
  double task_memory_gib = 0;      // of one task; 0: nine tenths of this machine's
  int task_processes = 4096;       // of one task, threads counted
  double task_disk_gib = 64;       // that one task may write
  int max_queued = 0;              // pending tasks of a submitter; 0: any number
  int max_running = 0;             // running tasks of a submitter; 0: any number
  int max_workers = 10'000;        // of a task
  bool paused = false;             // tasks are taken, none is started
  double grace_seconds = 30;       // how long SIGTERM waits for running tasks
  std::string retention = "all";   // tasks/retention_policy.h
  std::string log_format = "text";  // or json
  std::string log_level = "info";   // debug, info, warning, error
  std::string worker_program;      // hidden, for tests: instead of neural_solution_worker beside this program
  std::set<std::string> given;     // long names of the options that were given: a port that was not gives way to one that was
  std::string start_report;        // hidden: file that tells `start` how it went; also: log to files
};

// True for an address that only this machine reaches.
bool IsOwnAddress(const std::string& host);

void AddServeOptions(Command& command, ServeOptions* options);
// What cannot be served, before anything is touched: FailedPrecondition or InvalidArgument with the remedy.
Status CheckServeOptions(const ServeOptions& options);

}  // namespace ns
