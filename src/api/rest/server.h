// The HTTP/1.1 server: one thread does all network work, a small pool what blocks.
#pragma once

#include <chrono>
#include <cstdint>
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
    uint64_t max_body_bytes = 4 << 20;            // 413 beyond
    std::chrono::seconds read_timeout{30};        // for a whole request, and for each piece of an answer to be taken
    std::chrono::seconds keep_alive_timeout{60};  // between requests
    int pool_threads = 8;                         // for blocking handlers; a download that makes its zip holds one
  };

  // Takes the port; clients that connect wait until Serve(). AlreadyExists (PORT_IN_USE); InvalidArgument (BAD_HOST); PermissionDenied.
  static Result<std::unique_ptr<RestServer>> Listen(const Options& options, Router router);
  // Stops first. Responders that are still held somewhere (a write that is not durable yet) must be gone by then: stop the server, end what
  // holds them, then let the server go.
  ~RestServer();

  // Begins to answer. Once.
  void Serve();
  // Stops listening, ends all connections, waits for running handlers. A second call does nothing.
  void Stop();

  uint16_t port() const;

 private:
  class Impl;
  explicit RestServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ns
