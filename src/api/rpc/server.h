// The gRPC server (proto/neural_solution.proto), with reflection and the health service. Its asynchronous calls are served by gRPC's few
// threads; what waits for files or the store runs on a small pool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "service/access_control.h"
#include "service/task_service.h"

namespace ns {

class RpcServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";  // an address, or "localhost"
    uint16_t port = 8001;            // 0: any free one
    std::filesystem::path tls_cert, tls_key;  // PEM; both or none: plain
    // Where the zip of a task is: told to clients as result_path.
    std::function<std::string(const std::string& task_id)> result_path;
    int pool_threads = 2;
  };

  // Takes the port; calls are answered with UNAVAILABLE until Serve(). AlreadyExists (PORT_IN_USE); InvalidArgument (BAD_HOST,
  // BAD_CERTIFICATE); PermissionDenied. `service` and `access` outlive the server.
  static Result<std::unique_ptr<RpcServer>> Listen(const Options& options, TaskService& service, AccessControl& access);
  ~RpcServer();

  // Begins to answer; the health service says SERVING. Once.
  void Serve();
  // The health service says NOT_SERVING. Calls are still answered.
  void Drain();
  // Ends what follows tasks with UNAVAILABLE, waits for the other calls. What they wait for must still run. A second call does nothing.
  void Stop();
  // Reads certificate and key again, for connections that are made a second later or more. On failure (InvalidArgument, and
  // what reading says) the old ones stay. Of one thread at a time.
  Status ReloadTls();

  uint16_t port() const;

 private:
  struct Impl;
  explicit RpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ns
