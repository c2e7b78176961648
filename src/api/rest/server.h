// The HTTP/1.1 and WebSocket server, plain or in TLS: few threads do all network work, a small pool what blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/rest/router.h"
#include "base/status.h"

namespace ns {

class RestServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";  // an address, not a name
    uint16_t port = 8000;            // 0: any free one
    std::string port_option = "--restful_api_port";  // named when the port is in use
    std::filesystem::path tls_cert, tls_key;      // PEM; both or none: plain HTTP
    uint64_t max_body_bytes = 4 << 20;            // 413 beyond, but for routes that take their body as a stream
    std::chrono::milliseconds read_timeout{30'000};  // for a whole request, for each piece of a streamed one, and for each piece of an answer to be taken
    std::chrono::milliseconds keep_alive_timeout{60'000};  // between requests
    std::chrono::milliseconds heartbeat{15'000};  // how long a stream of events is silent at most
    int max_connections = 2'000;                  // 503 beyond
    int network_threads = 2;
    // Says who asks, or why the request is refused: nobody's handler sees it then. None: everybody is LocalCaller().
    std::function<Result<Caller>(const Request& request, const std::string& address)> admit;
    int pool_threads = 8;                         // for blocking handlers
  };

  // Takes the port; clients that connect wait until Serve(). AlreadyExists (PORT_IN_USE); InvalidArgument (BAD_HOST, BAD_CERTIFICATE,
  // BAD_KEY); PermissionDenied.
  static Result<std::unique_ptr<RestServer>> Listen(const Options& options, Router router);
  // Stops first. Responders that are still held somewhere (a write that is not durable yet) must be gone by then: stop the server, end what
  // holds them, then let the server go.
  ~RestServer();

  // Begins to answer. Once.
  void Serve();
  // Stops listening, ends all connections, waits for running handlers. A second call does nothing.
  void Stop();
  // Reads certificate and key again, for connections that are made from now on. On failure the old ones stay. Any thread.
  Status ReloadTls();

  uint16_t port() const;

 private:
  class Impl;
  explicit RestServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ns
