#include "api/wire/proto/rpc_error.h"

#include <google/rpc/status.pb.h>

#include "base/log.h"

namespace ns {

namespace {

constexpr const char* kDomain = "neural_solution";

// {"body", "metric", "0", "name"}: "metric[0].name".
std::string FieldPath(const FieldError& error) {
  std::string path;
  for (size_t i = 1; i < error.loc.size(); ++i) {
    const std::string& part = error.loc[i];
    bool position = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    if (position) {
      path += "[" + part + "]";
    } else {
      path += (path.empty() ? "" : ".") + part;
    }
  }
  return path;
}

void AddReason(const std::string& reason, google::rpc::Status* out) {
  if (reason.empty()) return;
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kDomain);
  out->add_details()->PackFrom(info);
}

RpcError Finished(google::rpc::Status status) {
  RpcError error{status.code(), status.message(), ""};
  if (status.details_size() > 0) error.details = status.SerializeAsString();
  return error;
}

}  // namespace

RpcError ToRpcError(const Status& status) {
  bool inner = status.code() == StatusCode::kInternal || status.code() == StatusCode::kUnknown || status.code() == StatusCode::kDataLoss;
  if (inner) LogError("{}", status.ToString());
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(inner ? "internal error" : status.message());
  if (!inner && !status.field().empty()) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(status.field());
    violation->set_description(status.message());
    out.add_details()->PackFrom(bad);
  }
  if (!inner) AddReason(status.reason(), &out);
  return Finished(std::move(out));
}

RpcError ToRpcError(const std::vector<FieldError>& errors) {
  google::rpc::BadRequest bad;
  for (const FieldError& error : errors) {
    auto* violation = bad.add_field_violations();
    violation->set_field(FieldPath(error));
    violation->set_description(error.msg);
  }
  google::rpc::Status out;
  out.set_code(static_cast<int>(StatusCode::kInvalidArgument));
  out.set_message(FieldErrorsToText(errors));
  out.add_details()->PackFrom(bad);
  AddReason("BAD_REQUEST", &out);
  return Finished(std::move(out));
}

}  // namespace ns
