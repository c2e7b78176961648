#include "api/rest/server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <climits>
#include <thread>

#include "api/rest/connection.h"
#include "api/rest/tls.h"
#include "base/log.h"

namespace ns {

using tcp = asio::ip::tcp;

namespace {

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nContent-Length: 33\r\nConnection: close\r\n\r\n"
    "{\"detail\":\"too many connections\"}";

using Networks = std::vector<std::unique_ptr<asio::io_context>>;

Networks MakeNetworks(int count) {
  Networks networks;
  for (int i = 0; i < count; ++i) networks.push_back(std::make_unique<asio::io_context>(1));
  return networks;
}

// The other half is the store's, the tasks' and the logs'.
int FilesAllowed() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX ? static_cast<int>(limit.rlim_cur) : INT_MAX;
}

// Tells a client that there is no place for it; it does not wait for it.
void TurnAway(tcp::socket socket, bool tls) {
  Error ignored;
  socket.non_blocking(true, ignored);
  if (!tls) socket.write_some(asio::buffer(kFull), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

class RestServer::Impl {
 public:
  Impl(const Options& options, Router router)
      : core(options, std::move(router)), networks(MakeNetworks(std::max(1, options.network_threads))) {}

  Status LoadTlsFiles() {
    if (core.options.tls_cert.empty() && core.options.tls_key.empty()) return OkStatus();
    NS_ASSIGN_OR_RETURN(auto loaded, LoadTls(core.options.tls_cert, core.options.tls_key));
    std::lock_guard lock(core.tls_mutex);
    core.tls = std::move(loaded);
    return OkStatus();
  }

  Status Listen() {
    NS_RETURN_IF_ERROR(LoadTlsFiles());
    Error error;
    auto address = asio::ip::make_address(core.options.host == "localhost" ? "127.0.0.1" : core.options.host, error);
    if (error) return InvalidArgument(fmt::format("--host must be an IP address, got '{}'", core.options.host), "BAD_HOST");
    tcp::endpoint endpoint(address, core.options.port);
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(1024, error);
    if (error == asio::error::address_in_use) {
      return Status(StatusCode::kAlreadyExists, fmt::format("port {} is in use; give another with {}", core.options.port, core.options.port_option),
                    "PORT_IN_USE");
    }
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot listen on {}:{}", core.options.host, core.options.port));
    return OkStatus();
  }

  void Serve() {
    Accept();
    for (auto& network : networks) {
      threads.emplace_back([&io = *network] {
        auto work = asio::make_work_guard(io);
        io.run();
      });
    }
  }

  // Each new connection belongs to the next network thread, for good.
  void Accept() {
    asio::io_context& network = *networks[next++ % networks.size()];
    acceptor.async_accept(network, [this, &network](Error error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!error) {
        Take(network, std::move(socket));
        return Accept();
      }
      // Out of descriptors, mostly: wait a little rather than spin.
      LogWarning("cannot accept a connection: {}", error.message());
      retry.expires_after(std::chrono::milliseconds(100));
      retry.async_wait([this](Error cancelled) {
        if (!cancelled) Accept();
      });
    });
  }

  void Take(asio::io_context& network, tcp::socket socket) {
    if (core.connections >= max_connections) return TurnAway(std::move(socket), core.Tls() != nullptr);
    ++core.connections;
    core.metrics.accepted.Add();
    core.metrics.connections.Add(1);
    std::shared_ptr<void> place(nullptr, [this](void*) {
      --core.connections;
      core.metrics.connections.Add(-1);
    });
    Error ignored;
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(std::move(socket), core, std::move(place));
    asio::post(network, [connection] { connection->Start(); });
  }

  ~Impl() { Stop(); }

  void Stop() {
    if (stopped) return;
    stopped = true;
    if (threads.empty()) return;  // never served
    asio::post(*networks[0], [this] {
      Error ignored;
      acceptor.close(ignored);
      retry.cancel();
      for (auto& network : networks) network->stop();
    });
    for (std::thread& thread : threads) thread.join();
    core.pool.join();
  }

  ServerCore core;
  const int max_connections = std::min(core.options.max_connections, FilesAllowed() / 2);
  Networks networks;  // one for each thread; the first accepts
  tcp::acceptor acceptor{*networks[0]};
  asio::steady_timer retry{*networks[0]};
  size_t next = 0;
  bool stopped = false;
  std::vector<std::thread> threads;
};

RestServer::RestServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestServer::~RestServer() = default;
void RestServer::Serve() { impl_->Serve(); }
void RestServer::Stop() { impl_->Stop(); }
Status RestServer::ReloadTls() { return impl_->LoadTlsFiles(); }

Result<std::unique_ptr<RestServer>> RestServer::Listen(const Options& options, Router router) {
  auto impl = std::make_unique<Impl>(options, std::move(router));
  NS_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<RestServer>(new RestServer(std::move(impl)));
}

uint16_t RestServer::port() const {
  Error ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

}  // namespace ns
