#include "api/rpc/calls.h"
#include "api/wire/proto/messages.h"

namespace ns {

namespace {

// With the status of what changed the cluster, and the cluster as it is then.
void Answer(RpcShared& shared, const Status& status, grpc::ServerUnaryReactor* reactor, pb::Cluster* answer) {
  if (status.ok()) FillCluster(shared.service.Cluster(), answer);
  reactor->Finish(ToGrpc(status));
}

}  // namespace

TaskCalls::Unary* TaskCalls::GetCluster(Context* context, const google::protobuf::Empty*, pb::Cluster* answer) {
  auto* reactor = context->DefaultReactor();
  Answer(shared_, Admit(shared_, *context).status(), reactor, answer);
  return reactor;
}

TaskCalls::Unary* TaskCalls::JoinNodes(Context* context, const pb::JoinNodesRequest* request, pb::Cluster* answer) {
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [this, reactor, answer, caller = Admit(shared_, *context), nodes = request->nodes()] {
    Status status = caller.ok() ? shared_.service.JoinNodes(*caller, nodes) : caller.status();
    if (status.reason() == "BAD_HOSTFILE") status = status.WithField("nodes");
    Answer(shared_, status, reactor, answer);
  });
  return reactor;
}

TaskCalls::Unary* TaskCalls::RemoveNode(Context* context, const pb::RemoveNodeRequest* request, pb::Cluster* answer) {
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [this, reactor, answer, caller = Admit(shared_, *context), id = request->id()] {
    Status status = caller.ok() ? shared_.service.RemoveNode(*caller, id) : caller.status();
    Answer(shared_, status, reactor, answer);
  });
  return reactor;
}

}  // namespace ns
