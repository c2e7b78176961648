#include "api/rpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "api/rpc/call_metrics.h"
#include "api/rpc/calls.h"
#include "api/rpc/live_certificate.h"
#include "base/file.h"
#include "base/log.h"

namespace ns {

namespace {

constexpr int kMaxMessageBytes = 4 << 20;
constexpr size_t kMemoryBytes = 64 << 20;      // of all calls together
constexpr int kStreamsOfAConnection = 128;
constexpr auto kPatience = std::chrono::seconds(5);  // at the end, before calls are broken off

void LogOfLibrary(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) LogWarning("grpc: {}", args->message);
}

// Whether the port could be had now. The library shares a port with whoever has it, and doesn't say why it can't have one.
Status CheckPort(const std::string& host, uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = host == "localhost" ? 0 : AI_NUMERICHOST;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return InvalidArgument(fmt::format("--host '{}' is not an address of this machine; give one such as 127.0.0.1 or 0.0.0.0", host), "BAD_HOST");
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  FileDescriptor probe(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int yes = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (probe.valid() && ::bind(probe.get(), found->ai_addr, found->ai_addrlen) == 0 && ::listen(probe.get(), 1) == 0) return OkStatus();
  int error = errno;
  if (error == EADDRINUSE) {
    return Status(StatusCode::kAlreadyExists,
                  fmt::format("port {} is in use; give another --grpc_api_port, or leave gRPC out with --api_type restful", port), "PORT_IN_USE");
  }
  if (error == EADDRNOTAVAIL) return InvalidArgument(fmt::format("--host '{}' is not an address of this machine", host), "BAD_HOST");
  return ErrnoStatus(error, fmt::format("cannot listen on port {} of {}", port, host));
}

std::string Address(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

void Limit(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("neural_solution");
  quota.Resize(kMemoryBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfAConnection);
  // A peer that is gone without a word is noticed in 80 s; clients may ask that, too, every 10 s, also between calls.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600'000);
}

}  // namespace

struct RpcServer::Impl {
  Impl(const Options& options, TaskService& service, AccessControl& access) : shared(options, service, access), calls(shared) {}

  RpcShared shared;
  TaskCalls calls;
  std::unique_ptr<LiveCertificate> certificate;  // null: plain
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

Result<std::unique_ptr<RpcServer>> RpcServer::Listen(const Options& options, TaskService& service, AccessControl& access) {
  NS_RETURN_IF_ERROR(CheckPort(options.host, options.port));
  gpr_set_log_function(LogOfLibrary);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  auto impl = std::make_unique<Impl>(options, service, access);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!options.tls_cert.empty()) {
    NS_ASSIGN_OR_RETURN(impl->certificate, LiveCertificate::Read(options.tls_cert, options.tls_key));
    credentials = impl->certificate->Credentials();
  }
  grpc::ServerBuilder builder;
  Limit(builder);
  builder.AddListeningPort(Address(options.host, options.port), credentials, &impl->port);
  builder.RegisterService(&impl->calls);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeCallMetrics());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  // Reflection and health are of the library's blocking kind: one thread for them is enough.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->port == 0) {
    if (!options.tls_cert.empty()) {
      return InvalidArgument(fmt::format("gRPC cannot use --tls_cert '{}' with --tls_key '{}': give a PEM certificate and its private key",
                                         options.tls_cert.string(), options.tls_key.string()), "BAD_CERTIFICATE");
    }
    return Unavailable(fmt::format("gRPC cannot listen on {}", Address(options.host, options.port)), "NO_LISTENER");
  }
  impl->server->GetHealthCheckService()->SetServingStatus(false);
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(impl)));
}

RpcServer::RpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RpcServer::~RpcServer() { Stop(); }

void RpcServer::Serve() {
  impl_->shared.phase = RpcShared::Phase::kServing;
  impl_->server->GetHealthCheckService()->SetServingStatus(true);
  impl_->server->GetHealthCheckService()->SetServingStatus(pb::TaskService::service_full_name(), true);
}

void RpcServer::Drain() {
  impl_->server->GetHealthCheckService()->SetServingStatus(false);
}

void RpcServer::Stop() {
  if (impl_->shared.phase.exchange(RpcShared::Phase::kStopping) == RpcShared::Phase::kStopping) return;
  impl_->server->GetHealthCheckService()->Shutdown();
  impl_->shared.service.events().ChangedAll();  // who follows a task sees that it ends
  impl_->server->Shutdown(std::chrono::system_clock::now() + kPatience);
  impl_->server->Wait();
  impl_->shared.pool.join();
}

Status RpcServer::ReloadTls() {
  if (impl_->certificate == nullptr) return OkStatus();
  return impl_->certificate->Renew(impl_->shared.options.tls_cert, impl_->shared.options.tls_key);
}

uint16_t RpcServer::port() const { return static_cast<uint16_t>(impl_->port); }

}  // namespace ns
