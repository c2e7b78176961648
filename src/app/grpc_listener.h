// The gRPC server as the options of `serve` want it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "api/rpc/server.h"
#include "cli/serve_options.h"

namespace ns {

struct GrpcListener {
  std::unique_ptr<RpcServer> server;  // null: --api_type restful
  std::string address;                // "127.0.0.1:8001"; "" without a server
  std::string note;                   // said by `start`: the port is another than the usual one, and why
};

// `rest_url`: where results are downloaded; "": REST is not for clients, results are named by their folder below `workspace`. A port that
// was not given and that another API was given moves to the next free one. Errors of RpcServer::Listen().
Result<GrpcListener> ListenGrpc(const ServeOptions& options, const std::string& rest_url, const std::filesystem::path& workspace,
                                TaskService& service, AccessControl& access);

}  // namespace ns
