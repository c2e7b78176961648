#include "app/grpc_listener.h"

namespace ns {

namespace {

std::string AddressOf(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

// Another option has this port: given or, once ours has to move, by default.
bool IsTaken(const ServeOptions& options, int port, bool moves) {
  auto has = [&](const char* name, int its) { return its == port && (moves || options.given.contains(name)); };
  return port != 0 && !options.given.contains("grpc_api_port") &&
         (has("restful_api_port", options.restful_api_port) || has("task_monitor_port", options.task_monitor_port) ||
          has("result_monitor_port", options.result_monitor_port));
}

}  // namespace

Result<GrpcListener> ListenGrpc(const ServeOptions& options, const std::string& rest_url, const std::filesystem::path& workspace,
                                TaskService& service, AccessControl& access) {
  GrpcListener listener;
  if (options.api_type == "restful") return listener;
  RpcServer::Options rpc;
  rpc.host = options.host;
  rpc.tls_cert = options.tls_cert;
  rpc.tls_key = options.tls_key;
  rpc.result_path = [rest_url, workspace](const std::string& id) {
    return rest_url.empty() ? (workspace / "task_workspace" / id / "result").string() : rest_url + "/download/" + id;
  };
  const int wanted = options.grpc_api_port;
  int port = wanted;
  while (true) {
    while (IsTaken(options, port, port != wanted)) ++port;
    rpc.port = static_cast<uint16_t>(port);
    auto server = RpcServer::Listen(rpc, service, access);
    if (server.ok()) {
      listener.server = std::move(*server);
      break;
    }
    // Once it has to move, any free port will do.
    if (port == wanted || port == 65'535 || server.status().reason() != "PORT_IN_USE") return server.status();
    ++port;
  }
  listener.address = AddressOf(options.host, listener.server->port());
  if (port != wanted) listener.note = fmt::format("{} was given to another port; --grpc_api_port chooses", wanted);
  return listener;
}

}  // namespace ns
