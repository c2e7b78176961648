#include "app/node_port.h"

#include <cstdlib>

#include "api/rest/handlers/outpost.h"
#include "api/rest/tls.h"
#include "base/file.h"
#include "base/log.h"
#include "executors/ip_network.h"
#include "outpost/outpost.h"
#include "tasks/cache_folder.h"

namespace ns {

namespace {

std::filesystem::path PortFile(const Workspace& workspace) { return workspace.root() / "result_monitor_port"; }

std::string InUrl(const std::string& address) { return address.find(':') == std::string::npos ? address : "[" + address + "]"; }

Result<std::unique_ptr<RestServer>> ListenFrom(RestServer::Options options, bool given, int before, OutpostDesk& desk) {
  constexpr int kTries = 50;
  if (!given && before > 0) {
    const uint16_t wanted = std::exchange(options.port, static_cast<uint16_t>(before));
    auto server = RestServer::Listen(options, MakeOutpostRouter(desk));
    if (server.ok()) return server;
    options.port = wanted;
  }
  for (int i = 0;; ++i) {
    auto server = RestServer::Listen(options, MakeOutpostRouter(desk));
    if (server.ok() || given || server.status().reason() != "PORT_IN_USE") return server;
    options.port = i < kTries && options.port < 65'535 ? static_cast<uint16_t>(options.port + 1) : 0;
  }
}

}  // namespace

Result<std::unique_ptr<NodePort>> NodePort::Listen(const ServeOptions& options, const Workspace& workspace, const Clock& clock) {
  std::unique_ptr<NodePort> port(new NodePort(options));
  if (options.shared_workspace == "yes") return port;
  NS_ASSIGN_OR_RETURN(port->addresses_, ReachableAddresses(options.team_network));
  NS_ASSIGN_OR_RETURN(port->desk_, OutpostDesk::Open({}, workspace, clock));
  RestServer::Options rest;
  bool old = port->addresses_[0].find(':') == std::string::npos;
  rest.host = port->addresses_.size() == 1 ? port->addresses_[0] : old ? "0.0.0.0" : "::";
  rest.port = static_cast<uint16_t>(options.result_monitor_port);
  rest.port_option = "--result_monitor_port";
  rest.tls_cert = options.tls_cert;
  rest.tls_key = options.tls_key;
  rest.max_body_bytes = kMaxCacheEntryBytes + (1 << 20);
  int before = std::atoi(ReadFile(PortFile(workspace), 64).value_or("0").c_str());
  NS_ASSIGN_OR_RETURN(port->server_, ListenFrom(rest, options.given.contains("result_monitor_port"), before, *port->desk_));
  NS_RETURN_IF_ERROR(WriteFileAtomic(PortFile(workspace), std::to_string(port->server_->port())));
  return port;
}

Result<OutpostOptions> NodePort::Outposts(const std::filesystem::path& program) const {
  OutpostOptions outposts;
  if (server_ == nullptr) return outposts;
  OutpostWords words;
  words.node_folder = options_.node_folder;
  words.cache_bytes = options_.node_cache_bytes;
  if (!options_.tls_cert.empty()) {
    NS_ASSIGN_OR_RETURN(words.tls_pin, PublicKeyPin(options_.tls_cert));
  }
  for (const std::string& address : addresses_) {
    outposts.addresses.push_back(fmt::format("{}:{}", InUrl(address), server_->port()));
    words.services.push_back(fmt::format("{}://{}", options_.tls_cert.empty() ? "http" : "https", outposts.addresses.back()));
  }
  outposts.command = OutpostCommand(program.string(), words);
  return outposts;
}

void NodePort::Serve() {
  if (server_ == nullptr) return;
  LogInfo("nodes need not share the workspace: they get from {} what they need, and bring there what they find out", fmt::join(addresses_, ", "));
  server_->Serve();
}

void NodePort::Stop() {
  if (server_ != nullptr) server_->Stop();
}

}  // namespace ns
