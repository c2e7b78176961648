// Status to what a gRPC call ends with: the one table.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tasks/task_spec_codec.h"

namespace ns {

struct RpcError {
  int code = 0;         // of gRPC, which are google.rpc's, which are ours
  std::string message;
  std::string details;  // a serialized google.rpc.Status: BadRequest where fields are wrong, ErrorInfo where there is a reason
};

// Messages of internal errors are logged, not shown.
RpcError ToRpcError(const Status& status);
// INVALID_ARGUMENT with a violation for each.
RpcError ToRpcError(const std::vector<FieldError>& errors);

}  // namespace ns
