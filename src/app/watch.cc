#include "app/watch.h"

#include "api/access/admission.h"
#include "api/rest/handlers/handlers.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ns {

namespace {

Result<std::unique_ptr<RestServer>> ListenFrom(RestServer::Options options, bool given, TaskService& service) {
  constexpr int kTries = 50;
  for (int i = 0;; ++i) {
    auto server = RestServer::Listen(options, MakeMonitorRouter(service));
    if (server.ok() || given || server.status().reason() != "PORT_IN_USE") return server;
    options.port = i < kTries && options.port < 65'535 ? static_cast<uint16_t>(options.port + 1) : 0;
  }
}

std::vector<std::pair<Labels, double>> Slots(const std::vector<NodeView>& nodes) {
  std::vector<std::pair<Labels, double>> slots;
  for (const NodeView& node : nodes) {
    Labels labels = {{"node", node.spec.name}, {"id", std::to_string(node.id)}, {"state", "free"}};
    slots.emplace_back(labels, node.free);
    labels.back().second = "busy";
    slots.emplace_back(labels, node.busy);
  }
  return slots;
}

}  // namespace

bool NeedsTokens(const ServeOptions& options) {
  return options.require_tokens || (!IsOwnAddress(options.host) && !options.insecure);
}

Admission AdmissionOf(const ServeOptions& options) {
  return {options.host, NeedsTokens(options) || !IsOwnAddress(options.host)};
}

Status OpenLog(const ServeOptions& options, const Workspace& workspace) {
  LogLevel level = ParseLogLevel(options.log_level).value_or(LogLevel::kInfo);
  LogFormat format = options.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  if (!options.start_report.empty()) return LogToFile(workspace.root() / "serve_log" / "backend.log", level, format);
  LogToStderr(level, format);
  return OkStatus();
}

Result<std::unique_ptr<Watch>> Watch::Start(const ServeOptions& options, const TaskStore& store, const Dispatcher& dispatcher, const NodeTable& nodes,
                                            TaskService& service, AccessControl& access, const std::string& version) {
  RestServer::Options rest;
  rest.host = options.host;
  rest.port = static_cast<uint16_t>(options.task_monitor_port);
  rest.port_option = "--task_monitor_port";
  rest.tls_cert = options.tls_cert;
  rest.tls_key = options.tls_key;
  rest.admit = AdmitBy(access, AdmissionOf(options));
  rest.network_threads = rest.pool_threads = 1;
  std::unique_ptr<Watch> watch(new Watch);
  NS_ASSIGN_OR_RETURN(watch->server_, ListenFrom(rest, options.given.contains("task_monitor_port"), service));
  watch->Count(store, dispatcher, nodes);
  AddProcessMetrics(Metrics(), version);
  watch->server_->Serve();
  return watch;
}

void Watch::Count(const TaskStore& store, const Dispatcher& dispatcher, const NodeTable& nodes) {
  auto add = [&](const std::string& name, const std::string& help, const Labels& labels, MetricsRegistry::Reader reader) {
    readers_.push_back(Metrics().Add(name, help, "gauge", labels, std::move(reader)));
  };
  for (TaskState state : {TaskState::kPending, TaskState::kRunning, TaskState::kDone, TaskState::kFailed, TaskState::kCancelled}) {
    add("neural_solution_tasks", "Tasks in the store, by state.", {{"state", std::string(TaskStateName(state))}}, [&store, state] {
      auto totals = store.Totals();
      return totals.ok() ? static_cast<double>(totals->in(state)) : 0;
    });
  }
  add("neural_solution_workers", "Workers that run.", {}, [&dispatcher] { return dispatcher.running(); });
  readers_.push_back(Metrics().Add("neural_solution_slots", "Slots of a node: free, busy.", "gauge", [&nodes] { return Slots(nodes.Nodes()); }));
  add("neural_solution_store_healthy", "1 when the last write to the store worked and no damage was found.", {},
      [&store] { return store.health().ok() ? 1 : 0; });
}

Watch::~Watch() {
  for (int reader : readers_) Metrics().Remove(reader);
}

}  // namespace ns
