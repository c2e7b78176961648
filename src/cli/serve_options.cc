#include "cli/serve_options.h"

#include <filesystem>
#include <map>

#include "tasks/retention_policy.h"

namespace ns {
namespace fs = std::filesystem;

void AddServeOptions(Command& command, ServeOptions* o) {
  command.Option("--workspace", &o->workspace, "Folder for the store, logs and results")
      .Option("--restful_api_port", &o->restful_api_port, "Port of the REST API; 0: any free one", 0, 65535)
      .Option("--grpc_api_port", &o->grpc_api_port, "Port of the gRPC API; 0: any free one", 0, 65535)
      .Option("--result_monitor_port", &o->result_monitor_port, "With --shared_workspace no: port that nodes report to, on all addresses or those of --team_network", 0, 65535)
      .Option("--task_monitor_port", &o->task_monitor_port, "Port of /metrics, /healthz and /readyz; 0: any free one", 0, 65535)
      .Choice("--api_type", &o->api_type, {"all", "grpc", "restful"}, "Which APIs to serve")
      .Option("--upload_path", &o->upload_path, "Folder below which models and data sets lie")
      .Bytes("--max_upload_bytes", &o->max_upload_bytes, "Largest uploaded or fetched file")
      .Flag("--allow_private_addresses", &o->allow_private_addresses, "Addresses in requests may lead to hosts that are not public")
      .Option("--allow_addresses", &o->allow_addresses, "... only to these blocks: 10.0.0.0/8,fd00::/8")
      .Option("--fetch_proxy", &o->fetch_proxy, "HTTP proxy for fetches, which then resolves names (default: none is used)")
      .Bytes("--fetch_cache_bytes", &o->fetch_cache_bytes, "How much of fetched files is kept for other tasks")
      .Option("--webhook_secret", &o->webhook_secret, "File with the key that signs webhooks (default: they are not signed)")
      .Option("--host", &o->host, "Address to listen on; another than this machine's own needs tokens (see the command token) or --insecure")
      .Flag("--insecure", &o->insecure, "Allow an address that other machines reach, without access control")
      .Option("--tls_cert", &o->tls_cert, "Certificate (PEM, with its issuers) to serve https; SIGHUP reads it again")
      .Option("--tls_key", &o->tls_key, "Its private key (PEM, without a passphrase)")
      .Flag("--require_tokens", &o->require_tokens, "Want a token on this machine's own address too")
      .Option("--rate_limit", &o->rate_limit, "Requests a second of one token or address; 0: no limit (default: 100 where tokens are required)")
      .Option("--read_timeout", &o->read_timeout, "Seconds that a client may take for a request, and for each piece of an answer")
      .Option("--cores_per_worker", &o->cores_per_worker, "Cores of a slot; 0: a quarter of the cores, at least 1, at most 4", 0, 1024)
      .Choice("--executor", &o->executor, {"local", "mpi", "slurm"}, "Where workers run: on this machine, on the nodes of a host list by Open MPI, or as jobs of Slurm")
      .Option("--mpirun", &o->mpirun, "With --executor mpi: Open MPI's program")
      .Option("--mpi_options", &o->mpi_options, "With --executor mpi: more words for mpirun, as \"--mca oob_tcp_if_include 10.1.0.0/16\"")
      .Option("--slurm_partition", &o->slurm_partition, "With --executor slurm: where jobs go (default: Slurm's)")
      .Option("--slurm_account", &o->slurm_account, "With --executor slurm: whom they are counted for")
      .Option("--slurm_time_limit", &o->slurm_time_limit, "With --executor slurm: how long a worker may run, as sbatch takes it")
      .Option("--slurm_options", &o->slurm_options, "With --executor slurm: more words for sbatch, as \"--qos=low --mem=8G\"")
      .Option("--slurm_max_jobs", &o->slurm_max_jobs, "With --executor slurm: workers that are handed over at a time", 1, 4096)
      .Option("--team_network", &o->team_network, "Network by which a task's workers on several nodes reach each other, as 10.1.0.0/16 (default: any)")
      .Choice("--shared_workspace", &o->shared_workspace, {"yes", "no"}, "Whether nodes see the workspace, the models and the data under the same paths; no: they get them from the service")
      .Option("--node_folder", &o->node_folder, "With --shared_workspace no: folder of each node for its tasks and what it keeps")
      .Bytes("--node_cache_bytes", &o->node_cache_bytes, "With --shared_workspace no: how much of models and data a node keeps for other tasks")
      .Option("--hostfile", &o->hostfile, "Nodes of the cluster, a line 'name sockets cores_per_socket' each (default: this machine)")
      .Option("--conda_env", &o->conda_env, "Python of script tasks: a conda environment's name, or a conda or virtual environment's folder (python3)")
      .Choice("--sandbox", &o->sandbox, {"bwrap", "none"}, "Isolate workers with bubblewrap, or not at all")
      .Choice("--script_network", &o->script_network, {"on", "off"}, "Whether script tasks reach the network")
      .Option("--environment_timeout", &o->environment_timeout, "Seconds that installing a script's requirements may take")
      .Bytes("--environment_cache_bytes", &o->environment_cache_bytes, "How much of environments of scripts' requirements is kept for other tasks")
      .Option("--task_memory", &o->task_memory_gib, "GiB of memory that a task may take; 0: nine tenths of this machine's")
      .Option("--task_processes", &o->task_processes, "Processes and threads that a task may have at once", 16, 1'000'000)
      .Option("--task_disk", &o->task_disk_gib, "GiB that a task may write")
      .Option("--max_queued", &o->max_queued, "Tasks that a submitter may have waiting; the next is refused. 0: any number", 0, 1'000'000'000)
      .Option("--max_running", &o->max_running, "Tasks that a submitter may have running; more wait. 0: any number", 0, 1'000'000'000)
      .Option("--max_workers", &o->max_workers, "Workers that a task may have at most", 1, 10'000)
      .Flag("--paused", &o->paused, "Take tasks and start none of them")
      .Option("--grace", &o->grace_seconds, "Seconds that SIGTERM waits for running tasks")
      .Option("--retention", &o->retention, "What to keep of ended tasks: \"30d\", \"10000 tasks\", \"50GB\", several with commas, or \"all\"")
      .Choice("--log_format", &o->log_format, {"text", "json"}, "Lines of the service's log")
      .Choice("--log_level", &o->log_level, {"debug", "info", "warning", "error"}, "What the service's log leaves out; debug has each request")
      .Configurable()
      .Hidden("--worker_program", &o->worker_program)
      .Hidden("--start_report", &o->start_report);
}

bool IsOwnAddress(const std::string& host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

Status CheckServeOptions(const ServeOptions& o) {
  if (o.insecure && o.require_tokens) {
    return InvalidArgument("--insecure and --require_tokens contradict each other; give one of them", "BAD_USAGE");
  }
  if (o.tls_cert.empty() != o.tls_key.empty()) {
    return InvalidArgument(fmt::format("{} needs {}: give both, or none to serve without TLS", o.tls_cert.empty() ? "--tls_key" : "--tls_cert",
                                       o.tls_cert.empty() ? "--tls_cert" : "--tls_key"), "HALF_TLS");
  }
  NS_RETURN_IF_ERROR(ParseRetentionPolicy(o.retention).status());
  std::error_code error;
  if (!o.hostfile.empty() && !fs::is_regular_file(o.hostfile, error)) {
    return InvalidArgument(fmt::format("--hostfile '{}' is not there; give an existing file, or leave it out to use this machine", o.hostfile), "NO_HOSTFILE");
  }
  if (o.upload_path != ServeOptions().upload_path && !fs::is_directory(o.upload_path, error)) {
    return InvalidArgument(fmt::format("--upload_path '{}' is not a folder; give the folder with your models and data", o.upload_path), "NO_UPLOAD_PATH");
  }
  if (!(o.read_timeout >= 0.1) || o.read_timeout > 86'400) {
    return InvalidArgument("--read_timeout is seconds, 0.1 to 86400", "BAD_USAGE");
  }
  if (!(o.environment_timeout > 0) || o.environment_timeout > 1e6) {
    return InvalidArgument("--environment_timeout is seconds, more than 0 and up to 1,000,000", "BAD_USAGE");
  }
  if (!(o.task_memory_gib >= 0) || !(o.task_disk_gib > 0) || o.task_memory_gib > 1e6 || o.task_disk_gib > 1e6) {
    return InvalidArgument("--task_memory is 0 or GiB, --task_disk GiB of more than 0, both up to 1,000,000", "BAD_USAGE");
  }
  if (o.shared_workspace == "no" && o.executor == "local") {
    return InvalidArgument("--shared_workspace no is for workers on other machines: give --executor mpi or slurm, or leave it out", "BAD_USAGE");
  }
  if (!fs::path(o.node_folder).is_absolute() || fs::path(o.node_folder) == "/") {
    return InvalidArgument(fmt::format("--node_folder '{}' is not the full path of a folder", o.node_folder), "BAD_USAGE");
  }
  std::map<int, std::string> ports;
  for (auto [name, port] : {std::pair("restful_api_port", o.restful_api_port), std::pair("grpc_api_port", o.grpc_api_port),
                            std::pair("result_monitor_port", o.result_monitor_port), std::pair("task_monitor_port", o.task_monitor_port)}) {
    if (port == 0 || !o.given.contains(name)) continue;
    auto [at, added] = ports.emplace(port, name);
    if (!added) return InvalidArgument(fmt::format("--{} and --{} are both {}; give each its own port", at->second, name, port), "SAME_PORT");
  }
  return OkStatus();
}

}  // namespace ns
