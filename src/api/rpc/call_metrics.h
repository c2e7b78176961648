// Counts the calls: neural_solution_grpc_request_seconds by method and status code. Private to api/rpc.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace ns {

// Of every call of a method that is there, reflection and health included. A call that its client broke off counts as CANCELLED.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallMetrics();

}  // namespace ns
