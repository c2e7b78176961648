#include <algorithm>
#include <cctype>
#include <variant>

#include "api/rpc/calls.h"
#include "api/wire/proto/messages.h"
#include "api/wire/proto/rpc_error.h"
#include "api/wire/proto/task_request.h"
#include "service/task_answer.h"

namespace ns {

namespace {

constexpr int kMostTasks = 1'000, kUsualTasks = 100;

grpc::Status Ended(const RpcError& error) { return {static_cast<grpc::StatusCode>(error.code), error.message, error.details}; }

grpc::ServerUnaryReactor* End(grpc::CallbackServerContext* context, const grpc::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

Result<ListOptions> ReadListOptions(const pb::ListTasksRequest& request) {
  ListOptions options;
  options.limit = (request.limit() == 0 ? kUsualTasks : request.limit()) + 1;
  options.after = request.after();
  if (request.limit() < 0 || request.limit() > kMostTasks) {
    return InvalidArgument(fmt::format("limit must be 1 to {}, got {}", kMostTasks, request.limit()), "BAD_REQUEST", "limit");
  }
  if (request.after() < 0) return InvalidArgument(fmt::format("after must not be negative, got {}", request.after()), "BAD_REQUEST", "after");
  if (!request.status().empty()) {
    options.state = ParseTaskState(request.status());
    if (!options.state) {
      return InvalidArgument(fmt::format("status must be pending, running, done, failed or cancelled, got \"{}\"", request.status()),
                             "BAD_REQUEST", "status");
    }
  }
  if (!request.label().empty()) {
    size_t at = request.label().find_first_of("=:");
    if (at == std::string::npos || at == 0) {
      return InvalidArgument(fmt::format("label must be name:value, got \"{}\"", request.label()), "BAD_REQUEST", "label");
    }
    options.label_name = request.label().substr(0, at);
    options.label_value = request.label().substr(at + 1);
  }
  return options;
}

}  // namespace

grpc::Status ToGrpc(const Status& status) { return status.ok() ? grpc::Status::OK : Ended(ToRpcError(status)); }
grpc::Status ToGrpc(const std::vector<FieldError>& errors) { return Ended(ToRpcError(errors)); }

Result<std::string> ReadTaskId(const std::string& text) {
  if (!IsTaskId(text)) return InvalidArgument("Invalid task id", "INVALID_TASK_ID", "task_id");
  std::string id = text;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  return id;
}

Status CheckServing(const RpcShared& shared) {
  switch (shared.phase.load()) {
    case RpcShared::Phase::kStarting: return Unavailable("the service is starting", "STARTING");
    case RpcShared::Phase::kStopping: return Unavailable("the service is stopping", "STOPPING");
    case RpcShared::Phase::kServing: break;
  }
  return OkStatus();
}

namespace {

// "ipv4:127.0.0.1:5000" and "ipv6:%5B::1%5D:5000" without what stands around the address.
std::string AddressOf(const std::string& peer) {
  size_t begin = peer.find(':'), end = peer.rfind(':');
  if (begin == std::string::npos || end <= begin) return peer;
  std::string address = peer.substr(begin + 1, end - begin - 1);
  if (address.starts_with("%5B") && address.ends_with("%5D")) return address.substr(3, address.size() - 6);
  if (address.starts_with("[") && address.ends_with("]")) return address.substr(1, address.size() - 2);
  return address;
}

}  // namespace

Result<Caller> Admit(RpcShared& shared, const grpc::CallbackServerContext& context) {
  NS_RETURN_IF_ERROR(CheckServing(shared));
  auto found = context.client_metadata().find("authorization");
  std::string_view authorization;
  if (found != context.client_metadata().end()) authorization = {found->second.data(), found->second.size()};
  return shared.access.Admit(authorization, AddressOf(context.peer()), /*open=*/false);
}

Result<TaskCall> AdmitTask(RpcShared& shared, const grpc::CallbackServerContext& context, const std::string& task_id) {
  TaskCall call;
  NS_ASSIGN_OR_RETURN(call.caller, Admit(shared, context));
  NS_ASSIGN_OR_RETURN(call.id, ReadTaskId(task_id));
  return call;
}

TaskCalls::Unary* TaskCalls::Ping(Context* context, const google::protobuf::Empty*, pb::ResponsePingMessage* answer) {
  auto* reactor = context->DefaultReactor();
  auto end = [reactor, answer](const Status& status) {
    answer->set_status(status.ok() ? "Healthy" : "Failed");
    answer->set_msg(status.ok() ? "Neural Solution is running." : status.message());
    reactor->Finish(grpc::Status::OK);
  };
  if (Status status = CheckServing(shared_); !status.ok()) {
    end(status);
  } else {
    shared_.service.CheckReady(end);
  }
  return reactor;
}

TaskCalls::Unary* TaskCalls::SubmitTask(Context* context, const pb::Task* request, pb::TaskResponse* answer) {
  auto caller = Admit(shared_, *context);
  if (!caller.ok()) return End(context, ToGrpc(caller.status()));
  ParsedTaskSpec parsed = ParseTaskSpec(TaskRequestJson(*request));
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) return End(context, ToGrpc(*errors));
  auto* reactor = context->DefaultReactor();
  if (context->IsCancelled()) {  // its deadline has passed: nobody would learn of the task
    reactor->Finish(grpc::Status::CANCELLED);
    return reactor;
  }
  auto end = [reactor, answer](SubmitOutcome outcome) {
    if (!outcome.errors.empty()) return reactor->Finish(ToGrpc(outcome.errors));
    if (!outcome.status.ok()) return reactor->Finish(ToGrpc(outcome.status));
    answer->set_status("successfully");
    answer->set_task_id(outcome.task_id);
    answer->set_msg("Task submitted successfully");
    reactor->Finish(grpc::Status::OK);
  };
  // It looks for the inputs on the disk.
  boost::asio::post(shared_.pool, [this, caller = *caller, spec = std::get<TaskSpec>(std::move(parsed)), end] { shared_.service.Submit(caller, spec, end); });
  return reactor;
}

// `fill` reads the store: on the pool.
TaskCalls::Unary* TaskCalls::FromStore(Context* context, const std::string& task_id, std::function<Status(const TaskCall&)> fill) {
  auto call = AdmitTask(shared_, *context, task_id);
  if (!call.ok()) return End(context, ToGrpc(call.status()));
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [reactor, call = *std::move(call), fill = std::move(fill)] { reactor->Finish(ToGrpc(fill(call))); });
  return reactor;
}

TaskCalls::Unary* TaskCalls::GetTaskById(Context* context, const pb::TaskId* request, pb::TaskStatus* answer) {
  return FromStore(context, request->task_id(), [this, answer](const TaskCall& call) {
    NS_ASSIGN_OR_RETURN(TaskView view, shared_.service.GetTask(call.caller, call.id));
    FillTaskStatus(ToStatusAnswer(view, shared_.options.result_path(call.id)), answer);
    return OkStatus();
  });
}

TaskCalls::Unary* TaskCalls::QueryTaskResult(Context* context, const pb::TaskId* request, pb::ResponseTaskResult* answer) {
  return FromStore(context, request->task_id(), [this, answer](const TaskCall& call) {
    NS_ASSIGN_OR_RETURN(TaskView view, shared_.service.GetTask(call.caller, call.id));
    FillTaskResult(ToStatusAnswer(view, shared_.options.result_path(call.id)), answer);
    return OkStatus();
  });
}

TaskCalls::Unary* TaskCalls::ListTasks(Context* context, const pb::ListTasksRequest* request, pb::TaskList* answer) {
  auto caller = Admit(shared_, *context);
  auto options = caller.ok() ? ReadListOptions(*request) : Result<ListOptions>(caller.status());
  if (!options.ok()) return End(context, ToGrpc(options.status()));
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [this, reactor, answer, caller = *caller, options = *options] {
    auto records = shared_.service.List(caller, options);
    if (!records.ok()) return reactor->Finish(ToGrpc(records.status()));
    size_t limit = static_cast<size_t>(options.limit) - 1;
    bool more = records->size() > limit;
    if (more) records->resize(limit);
    for (const TaskRecord& record : *records) FillSummary(ToTaskSummary(record, shared_.options.result_path(record.id)), answer->add_tasks());
    if (more) answer->set_next(records->back().order);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

TaskCalls::Unary* TaskCalls::CancelTask(Context* context, const pb::TaskId* request, pb::CancelResponse* answer) {
  auto call = AdmitTask(shared_, *context, request->task_id());
  if (!call.ok()) return End(context, ToGrpc(call.status()));
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [this, reactor, answer, call = *std::move(call)] {
    shared_.service.Cancel(call.caller, call.id, [reactor, answer, id = call.id](Status cancelled) {
      answer->set_status("cancelled");
      answer->set_task_id(id);
      reactor->Finish(ToGrpc(cancelled));
    });
  });
  return reactor;
}

}  // namespace ns
