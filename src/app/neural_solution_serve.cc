#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>

#include "api/access/admission.h"
#include "api/rest/handlers/handlers.h"
#include "api/rest/server.h"
#include "api/rest/tls.h"
#include "app/executor_table.h"
#include "app/grpc_listener.h"
#include "app/node_port.h"
#include "app/outside.h"
#include "app/serve.h"
#include "app/watch.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "executors/environment_cache.h"
#include "schedule/hostfile.h"
#include "service/access_control.h"
#include "service/dispatcher.h"
#include "service/file_sweeper.h"
#include "service/node_table.h"
#include "service/retention.h"
#include "service/task_service.h"
#include "service/workspace.h"
#include "store/task_store.h"
#include "tasks/answers.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr int kIdleSignal = SIGUSR2;  // sent to ourselves when no worker runs any more

sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP, kIdleSignal}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

Dispatcher::Options DispatcherOptions(const ServeOptions& options) {
  Dispatcher::Options dispatcher;
  dispatcher.max_queued_per_submitter = options.max_queued;
  dispatcher.scheduler.queue.max_running = options.max_running;
  dispatcher.scheduler.seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return dispatcher;
}

Result<std::vector<NodeSpec>> ReadHostfile(const std::string& path) {
  if (path.empty()) return std::vector<NodeSpec>();
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, 1 << 24));
  return ParseHostfile(text, fmt::format("--hostfile '{}'", path));
}

std::vector<std::string> WorkerCommand(const ServeOptions& options, const fs::path& program) {
  if (options.worker_program.empty()) return {(program.parent_path() / "neural_solution_worker").string()};
  return {fs::absolute(options.worker_program).string()};
}

// Beside an installed program, else in the source tree.
fs::path PackageFolder(const fs::path& program) {
  std::error_code ignored;
  fs::path installed = program.parent_path().parent_path() / "lib" / "neural_solution" / "python";
  return fs::is_directory(installed, ignored) ? installed : fs::path(NS_PYTHON_DIR);
}

// What workers find below it lies on their own machine.
fs::path RootOfWorkers(const ServeOptions& options, const Workspace& workspace) {
  return options.shared_workspace == "yes" ? workspace.root() : fs::path(options.node_folder).lexically_normal();
}

ScriptOptions ScriptOptionsOf(const ServeOptions& options, const fs::path& program, const Workspace& workspace) {
  ScriptOptions scripts;
  // Python takes a while to say who it is, and the service does not need to know before the first script.
  scripts.python = std::async(std::launch::async, [environment = options.conda_env] { return FindPython(environment); }).share();
  scripts.package_folder = PackageFolder(program);
  scripts.environments = options.shared_workspace == "yes" ? workspace.environments() : RootOfWorkers(options, workspace) / "environments";
  scripts.network = options.script_network == "on";
  scripts.environment_seconds = options.environment_timeout;
  return scripts;
}

LocalExecutorOptions ExecutorOptions(const ServeOptions& options, const fs::path& program, const Workspace& workspace,
                                     FetchInputsOptions fetch) {
  constexpr double kGiB = 1 << 30;
  constexpr uint64_t kFreeDisk = uint64_t{1} << 30, kOpenFiles = 65'536;
  double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  LocalExecutorOptions executor;
  executor.supervisor_command = {(program.parent_path() / "neural_solution_supervisor").string()};
  executor.max_workers_per_task = options.max_workers;
  executor.standbys = 2;  // a start takes one, and another is ready some 50 ms later
  StepPlannerOptions& planner = executor.planner;
  if (options.shared_workspace == "no") {
    planner.node_folder = RootOfWorkers(options, workspace);
    fetch.cache_folder = planner.node_folder / "fetch";
    fetch.hub.cache = planner.node_folder / "hub";
  }
  planner.worker_command = WorkerCommand(options, program);
  planner.fetch_command = FetchInputsCommand(program.string(), fetch);
  planner.fetch_cache = fetch.cache_folder;
  planner.hub_cache = fetch.hub.cache;
  planner.hub_token_file = std::filesystem::absolute(HubTokenFile([](const char* name) -> const char* { return std::getenv(name); }));
  planner.sandbox = options.sandbox == "bwrap";
  std::error_code ignored;
  planner.hidden = fs::weakly_canonical(RootOfWorkers(options, workspace), ignored);
  planner.limits.memory_bytes = static_cast<uint64_t>(options.task_memory_gib > 0 ? options.task_memory_gib * kGiB : 0.9 * memory);
  planner.limits.processes = static_cast<uint64_t>(options.task_processes);
  planner.limits.disk_bytes = static_cast<uint64_t>(options.task_disk_gib * kGiB);
  planner.limits.free_disk_bytes = kFreeDisk;
  planner.limits.open_files = kOpenFiles;
  planner.scripts = ScriptOptionsOf(options, program, workspace);
  return executor;
}

Result<FileDescriptor> LockWorkspace(const Workspace& workspace) {
  auto lock = workspace.Lock();
  if (lock.ok() || lock.status().reason() != "ALREADY_RUNNING") return lock;
  auto text = ReadFile(workspace.root() / "serve.json");
  auto record = text.ok() ? ParseServeRecord(*text) : Result<ServeRecord>(text.status());
  // A killed service is a zombie at once, but holds its files until the last of its threads has gone.
  for (int round = 0; round < 100 && record.ok() && !IsRunning({record->pid, record->start_ticks}); ++round) {
    ::usleep(20'000);
    lock = workspace.Lock();
    if (lock.ok()) return lock;
  }
  std::string where = record.ok() ? fmt::format(" (pid {}, {})", record->pid, record->rest_url) : "";
  return Status(lock.status().code(),
                fmt::format("{}{}; stop it with 'neural_solution stop --workspace {}', or give another --workspace", lock.status().message(),
                            where, workspace.root().string()),
                lock.status().reason());
}

std::string UrlOf(const ServeOptions& options, uint16_t port) {
  const std::string& host = options.host;
  const char* scheme = options.tls_cert.empty() ? "http" : "https";
  std::string shown = host == "0.0.0.0" || host == "localhost" ? "127.0.0.1" : host == "::" ? "::1" : host;
  bool plain = shown.find(':') == std::string::npos;
  return fmt::format("{}://{}{}{}:{}", scheme, plain ? "" : "[", shown, plain ? "" : "]", port);
}

Status Announce(const Workspace& workspace, const ServeRecord& addresses, const fs::path& tls_cert) {
  NS_ASSIGN_OR_RETURN(ProcessId self, IdentifyProcess(::getpid()));
  ServeRecord record = addresses;
  record.pid = self.pid;
  record.start_ticks = self.start_ticks;
  if (!tls_cert.empty()) {
    NS_ASSIGN_OR_RETURN(record.tls_pin, PublicKeyPin(tls_cert));
  }
  // The frontends have no processes, and so no logs, of their own; their files say where to look.
  fs::path logs = workspace.root() / "serve_log";
  NS_RETURN_IF_ERROR(WriteFileAtomic(logs / "frontend.log", fmt::format("REST API on {}; its log is backend.log\n", record.rest_url)));
  NS_RETURN_IF_ERROR(WriteFileAtomic(logs / "frontend_grpc.log", record.grpc_address.empty() ? "gRPC API: off (--api_type restful)\n"
                                                   : fmt::format("gRPC API on {}; its log is backend.log\n", record.grpc_address)));
  return WriteFileAtomic(workspace.root() / "serve.json", ServeRecordJson(record));
}

// Nobody could come in: better told now than found out by 401s.
Status CheckTokens(const ServeOptions& options, const Workspace& workspace) {
  NS_ASSIGN_OR_RETURN(auto tokens, TokenFile(workspace.tokens_file()).List());
  if (!NeedsTokens(options) || !tokens.empty()) return OkStatus();
  return InvalidArgument(
      fmt::format("{} wants tokens and there are none; make one with 'neural_solution token create --name NAME --role admin --workspace {}'{}",
                  options.require_tokens ? "--require_tokens" : "--host " + options.host, options.workspace,
                  options.require_tokens ? "" : ", or add --insecure to let everybody in who reaches this address"),
      "NO_TOKENS");
}

AccessControl::Options AccessOptions(const ServeOptions& options) {
  bool needed = NeedsTokens(options);
  return {needed, options.rate_limit >= 0 ? options.rate_limit : needed ? 100.0 : 0.0};
}

// With gRPC alone, REST is for the command line on this machine: serve.json says where.
ServeOptions RestOptions(ServeOptions options) {
  if (options.api_type == "grpc") {
    options.host = "127.0.0.1";
    options.restful_api_port = 0;
  }
  return options;
}

Status Listen(const ServeOptions& options, TaskService& service, AccessControl& access, std::unique_ptr<RestServer>* server) {
  RestServer::Options rest;
  rest.host = options.host;
  rest.admit = AdmitBy(access, AdmissionOf(options));
  rest.port = static_cast<uint16_t>(options.restful_api_port);
  rest.tls_cert = options.tls_cert;
  rest.tls_key = options.tls_key;
  rest.read_timeout = std::chrono::milliseconds(static_cast<int64_t>(options.read_timeout * 1000));
  NS_ASSIGN_OR_RETURN(*server, RestServer::Listen(rest, MakeRouter(service)));
  return OkStatus();
}

// SIGHUP: certificate and key are read again.
void Reload(const ServeOptions& options, const Workspace& workspace, const ServeRecord& addresses, RestServer& server, Watch& watch, RpcServer* rpc) {
  if (options.tls_cert.empty()) return;
  Status status = server.ReloadTls();  // sees whether they are good
  if (status.ok()) status = watch.ReloadTls();
  if (status.ok() && rpc != nullptr) status = rpc->ReloadTls();
  if (status.ok()) status = Announce(workspace, addresses, options.tls_cert);
  if (status.ok()) return LogInfo("read '{}' and '{}' again", options.tls_cert, options.tls_key);
  LogError("the certificate stays as it was: {}", status.message());
}

// Waits for signals and carries out what they ask; returns when the service may end.
void RunUntilStopped(const sigset_t& signals, double grace_seconds, TaskService& service, Dispatcher& dispatcher, RpcServer* rpc,
                     const std::function<void()>& reload) {
  using std::chrono::steady_clock;
  std::optional<steady_clock::time_point> stop_at;
  bool stopping = false;
  auto idle = [] { ::kill(::getpid(), kIdleSignal); };
  auto stop_accepting = [&] {
    service.StopAccepting();
    if (rpc != nullptr) rpc->Drain();
  };
  auto stop_workers = [&] {
    stopping = true;
    stop_at.reset();
    stop_accepting();
    dispatcher.StopWorkers(idle);
  };
  while (true) {
    timespec wait{3600, 0};
    if (stop_at) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*stop_at - steady_clock::now()).count();
      wait = {std::max<int64_t>(0, left) / 1000, (std::max<int64_t>(0, left) % 1000) * 1'000'000};
    }
    int signal = ::sigtimedwait(&signals, nullptr, &wait);
    if (signal == kIdleSignal) return;
    if (signal == SIGHUP) reload();
    if (signal == SIGINT && !stopping) {
      LogInfo("stopping now");
      stop_workers();
    } else if ((signal == SIGTERM || signal == SIGUSR1) && !stopping) {
      LogInfo("stopping when the running tasks have ended");
      stop_accepting();
      dispatcher.Drain(idle);
      if (signal == SIGTERM) stop_at = steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(grace_seconds * 1000));
    } else if (signal < 0 && errno == EAGAIN && stop_at) {
      LogInfo("tasks still run: ending them");
      stop_workers();
    }
  }
}

// As many open files as we may have, within reason: connections are files.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= 8192) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Status Serve(const ServeOptions& options, const std::function<void(const ServeRecord&)>& ready) {
  sigset_t signals = BlockSignals();
  NS_RETURN_IF_ERROR(CheckExecutor(options));
  RaiseFileLimit();
  SystemClock clock;
  NS_ASSIGN_OR_RETURN(fs::path program, ThisProgram());
  NS_ASSIGN_OR_RETURN(Workspace workspace, Workspace::Create(options.workspace));
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, LockWorkspace(workspace));
  NS_RETURN_IF_ERROR(CheckTokens(options, workspace));
  NS_RETURN_IF_ERROR(OpenLog(options, workspace));
  NS_ASSIGN_OR_RETURN(RetentionPolicy policy, ParseRetentionPolicy(options.retention));
  std::error_code ignored;
  fs::path uploads = fs::absolute(options.upload_path, ignored).lexically_normal();
  NS_ASSIGN_OR_RETURN(auto hostfile, ReadHostfile(options.hostfile));

  // In the order in which they are needed. The server's memory outlives what may still hold an answer of it.
  std::unique_ptr<RestServer> server;
  NS_ASSIGN_OR_RETURN(auto store, TaskStore::Open(workspace.store_file(), clock));
  NS_ASSIGN_OR_RETURN(FetchInputsOptions fetch, FetchOptionsOf(options, workspace));
  NS_ASSIGN_OR_RETURN(auto files, OpenFileStore(options, workspace, clock));
  LocalExecutorOptions steps = ExecutorOptions(options, program, workspace, fetch);
  if (!options.conda_env.empty()) NS_RETURN_IF_ERROR(steps.planner.scripts.python.get().status());
  NS_ASSIGN_OR_RETURN(auto node_port, NodePort::Listen(options, workspace, clock));
  NS_ASSIGN_OR_RETURN(OutpostOptions outposts, node_port->Outposts(program));
  NS_ASSIGN_OR_RETURN(auto executor, MakeExecutor({options, workspace, std::move(outposts), std::move(steps)}));
  std::unique_ptr<WebhookSender> webhooks;  // there before the first task can end
  Dispatcher::Options dispatch = DispatcherOptions(options);
  dispatch.task_ended = [&webhooks] { webhooks->Wake(); };
  Dispatcher dispatcher(dispatch, workspace, *store, *executor, clock);
  if (options.paused) dispatcher.Pause(true);
  NS_ASSIGN_OR_RETURN(auto nodes, NodeTable::Open({UsableCores(), options.cores_per_worker, hostfile}, *store, dispatcher, *executor));
  AuditLog audit(workspace.audit_log(), clock);
  TokenFile tokens(workspace.tokens_file());
  AccessControl access(AccessOptions(options), tokens, audit, clock);
  TaskService service(workspace, {uploads, workspace.root(), files.get(), fetch.fetch.rules}, *store, dispatcher, *nodes, clock, &audit);
  service.SetRecovering(true);

  auto watch = Watch::Start(options, *store, dispatcher, *nodes, service, access, NS_VERSION);
  Status status = watch.status();
  const ServeOptions rest = RestOptions(options);
  if (status.ok()) status = Listen(rest, service, access, &server);
  ServeRecord where;
  if (status.ok()) {
    where.rest_url = UrlOf(rest, server->port());
    where.monitor_url = UrlOf(options, (*watch)->port());
  }
  GrpcListener grpc;
  if (status.ok()) {
    auto listener = ListenGrpc(options, options.api_type == "grpc" ? "" : where.rest_url, workspace.root(), service, access);
    status = listener.status();
    if (listener.ok()) grpc = std::move(*listener);
    where.grpc_address = grpc.address;
    where.note = grpc.note;
  }
  if (status.ok()) status = Announce(workspace, where, options.tls_cert);
  auto webhook_options = WebhookOptionsOf(options, fetch, where.rest_url);
  if (status.ok()) status = webhook_options.status();
  if (status.ok()) webhooks = std::make_unique<WebhookSender>(*webhook_options, *store, clock);
  std::optional<EnvironmentCache> environments;
  std::optional<FileSweeper> sweeper;
  FileSweeper::Options sweep;
  sweep.retention = policy.age;
  if (status.ok()) sweeper.emplace(sweep, *files, *store);
  if (status.ok()) environments.emplace(EnvironmentCache::Options{workspace.environments(), options.environment_cache_bytes});
  if (status.ok()) status = dispatcher.Recover();
  if (status.ok()) {
    service.SetRecovering(false);
    node_port->Serve();
    server->Serve();  // not before what an earlier service left is taken up: a new task must not get an adopted worker's slot
    if (grpc.server != nullptr) grpc.server->Serve();
    LogInfo("serving {}{}{}, workspace {}", where.rest_url, grpc.server == nullptr ? "" : ", gRPC on ", grpc.address, workspace.root().string());
    ready(where);
    Retention retention({policy}, workspace, *store, clock);
    auto reload = [&] { Reload(options, workspace, where, *server, **watch, grpc.server.get()); };
    RunUntilStopped(signals, options.grace_seconds, service, dispatcher, grpc.server.get(), reload);
    LogInfo("stopped");
  }
  node_port->Stop();
  service.EndDownloads();
  if (grpc.server != nullptr) grpc.server->Stop();
  if (watch.ok()) watch->reset();
  if (server != nullptr) server->Stop();
  dispatcher.Stop();
  executor.reset();
  sweeper.reset();
  webhooks.reset();
  store.reset();  // after the writes that were made
  return status;
}

}  // namespace ns
