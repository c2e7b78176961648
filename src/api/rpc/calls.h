// The calls of the API. Private to api/rpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <string>
#include <vector>

#include "api/rpc/server.h"
#include "base/status.h"
#include "neural_solution.grpc.pb.h"
#include "service/access_control.h"
#include "service/task_service.h"
#include "tasks/caller.h"

namespace ns {

namespace pb = ::neural_solution;

// What all calls share.
struct RpcShared {
  enum class Phase { kStarting, kServing, kStopping };
  RpcShared(const RpcServer::Options& o, ns::TaskService& s, AccessControl& a)
      : options(o), service(s), access(a), pool(static_cast<size_t>(o.pool_threads)) {}

  const RpcServer::Options options;
  ns::TaskService& service;
  AccessControl& access;
  boost::asio::thread_pool pool;
  std::atomic<Phase> phase{Phase::kStarting};
};

grpc::Status ToGrpc(const Status& status);
grpc::Status ToGrpc(const std::vector<FieldError>& errors);

// A task's id in lower case. InvalidArgument (INVALID_TASK_ID) at `task_id`.
Result<std::string> ReadTaskId(const std::string& text);
// Unavailable (STARTING, STOPPING) unless calls are answered.
Status CheckServing(const RpcShared& shared);
// Who calls, by the metadata "authorization". Errors of CheckServing() and AccessControl::Admit().
Result<Caller> Admit(RpcShared& shared, const grpc::CallbackServerContext& context);
// Both checks of a call about a task.
struct TaskCall {
  Caller caller;
  std::string id;
};
Result<TaskCall> AdmitTask(RpcShared& shared, const grpc::CallbackServerContext& context, const std::string& task_id);

// The streams; each owns itself until its call is over.
grpc::ServerWriteReactor<pb::TaskEvent>* StartWatch(RpcShared& shared, grpc::CallbackServerContext* context,
                                                    const pb::WatchTaskRequest& request);
grpc::ServerWriteReactor<pb::DownloadChunk>* StartDownload(RpcShared& shared, grpc::CallbackServerContext* context,
                                                           const pb::DownloadRequest& request);

grpc::ServerReadReactor<pb::UploadRequest>* StartUpload(RpcShared& shared, grpc::CallbackServerContext* context, pb::UploadResponse* answer);

class TaskCalls final : public pb::TaskService::CallbackService {
 public:
  explicit TaskCalls(RpcShared& shared) : shared_(shared) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Ping(Context* context, const google::protobuf::Empty*, pb::ResponsePingMessage* answer) override;
  Unary* SubmitTask(Context* context, const pb::Task* request, pb::TaskResponse* answer) override;
  Unary* GetTaskById(Context* context, const pb::TaskId* request, pb::TaskStatus* answer) override;
  Unary* QueryTaskResult(Context* context, const pb::TaskId* request, pb::ResponseTaskResult* answer) override;
  Unary* ListTasks(Context* context, const pb::ListTasksRequest* request, pb::TaskList* answer) override;
  Unary* CancelTask(Context* context, const pb::TaskId* request, pb::CancelResponse* answer) override;
  grpc::ServerReadReactor<pb::UploadRequest>* UploadFile(Context* context, pb::UploadResponse* answer) override {
    return StartUpload(shared_, context, answer);
  }
  Unary* QueryUpload(Context* context, const pb::QueryUploadRequest* request, pb::UploadResponse* answer) override;
  Unary* GetCluster(Context* context, const google::protobuf::Empty*, pb::Cluster* answer) override;
  Unary* JoinNodes(Context* context, const pb::JoinNodesRequest* request, pb::Cluster* answer) override;
  Unary* RemoveNode(Context* context, const pb::RemoveNodeRequest* request, pb::Cluster* answer) override;
  grpc::ServerWriteReactor<pb::TaskEvent>* WatchTask(Context* context, const pb::WatchTaskRequest* request) override {
    return StartWatch(shared_, context, *request);
  }
  grpc::ServerWriteReactor<pb::DownloadChunk>* DownloadResult(Context* context, const pb::DownloadRequest* request) override {
    return StartDownload(shared_, context, *request);
  }

 private:
  Unary* FromStore(Context* context, const std::string& task_id, std::function<Status(const TaskCall&)> fill);

  RpcShared& shared_;
};

}  // namespace ns
