#include "team/rpc/team_server.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <thread>

#include "base/hash.h"
#include "base/log.h"
#include "team.grpc.pb.h"
#include "team/rpc/socket_address.h"

namespace ns {

namespace pb = neural_solution::team;

namespace {

constexpr size_t kPartBytes = 1 << 20;
constexpr size_t kMaxResultBytes = size_t{1} << 30;
constexpr int kMaxMessageBytes = 4 << 20;

using WorkStream = grpc::ServerReaderWriter<pb::FromLead, pb::FromAssistant>;

// By their digests, so that the time tells nothing of the token.
bool SameToken(const std::string& a, const std::string& b) { return Sha256Hex(a) == Sha256Hex(b); }

struct ToMessage {
  pb::FromLead message;
  pb::FromLead operator()(const Assignment& assignment) {
    pb::Item* item = message.mutable_item();
    item->set_lease(assignment.lease);
    item->set_kind(assignment.item.kind);
    item->set_payload(assignment.item.payload);
    return message;
  }
  pb::FromLead operator()(const StopOrder& stop) {
    message.mutable_stop()->set_lease(stop.lease);
    return message;
  }
  pb::FromLead operator()(const Farewell& farewell) {
    message.mutable_end()->set_why(farewell.why);
    return message;
  }
};

class Service final : public pb::Team::Service {
 public:
  Service(TeamServer::Options options, Team& team) : options_(std::move(options)), team_(team) {}

  grpc::Status Work(grpc::ServerContext* context, WorkStream* stream) override {
    if (!Known(*context)) return Stranger();
    pb::FromAssistant first;
    if (!stream->Read(&first) || !first.has_join()) return {grpc::StatusCode::ABORTED, "the first message is not a Join"};
    const pb::Join& join = first.join();
    if (join.program() != options_.program) {
      return {grpc::StatusCode::FAILED_PRECONDITION, fmt::format("the lead is version {}, this is {}", options_.program, join.program())};
    }
    if (join.worker() < 1) return {grpc::StatusCode::FAILED_PRECONDITION, "assistants are numbered from 1"};
    auto talk = team_.Join(join.worker(), join.fence(), join.processor());
    if (!talk.ok()) {
      bool ended = talk.status().code() == StatusCode::kUnavailable;
      return {ended ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::FAILED_PRECONDITION, talk.status().message()};
    }
    team_.TellKilled(join.worker(), {join.killed().begin(), join.killed().end()});
    Talk(context, stream, join.worker(), *talk);
    return grpc::Status::OK;
  }

  grpc::Status Fetch(grpc::ServerContext* context, const pb::BlobRequest* request, grpc::ServerWriter<pb::Chunk>* writer) override {
    if (!Known(*context)) return Stranger();
    auto blob = team_.Blob(request->digest());
    if (!blob) return {grpc::StatusCode::NOT_FOUND, "no such content"};
    pb::Chunk chunk;
    for (size_t at = 0; at < blob->size(); at += kPartBytes) {
      chunk.set_data(blob->substr(at, kPartBytes));
      if (!writer->Write(chunk)) break;
    }
    return grpc::Status::OK;
  }

 private:
  static grpc::Status Stranger() { return {grpc::StatusCode::UNAUTHENTICATED, "the token of this task is missing or wrong"}; }

  bool Known(const grpc::ServerContext& context) const {
    auto found = context.client_metadata().find("authorization");
    return found != context.client_metadata().end() &&
           SameToken(std::string(found->second.data(), found->second.size()), "Bearer " + options_.token);
  }

  void Talk(grpc::ServerContext* context, WorkStream* stream, int worker, uint64_t talk) {
    pb::FromLead welcome;
    welcome.mutable_welcome()->set_task(team_.task());
    welcome.mutable_welcome()->set_heartbeat_seconds(options_.heartbeat_seconds);
    stream->Write(welcome);
    std::jthread orders([&] {
      while (true) {
        Order order = team_.NextOrder(worker, talk);
        bool last = std::holds_alternative<Farewell>(order);
        if (last && std::get<Farewell>(order).why.empty()) {
          context->TryCancel();  // another start has its place, or it was given up: it may come again
          return;
        }
        if (!stream->Write(std::visit(ToMessage(), order)) || last) return;
      }
    });
    Listen(stream, worker, talk);
    team_.Leave(worker, talk, context->IsCancelled() ? LeaseTable::Leaving::kLost : LeaseTable::Leaving::kGoodbye);
  }

  void Listen(WorkStream* stream, int worker, uint64_t talk) {
    pb::FromAssistant message;
    std::string result;
    while (stream->Read(&message)) {
      if (message.has_ready()) {
        team_.Ready(worker, talk);
      } else if (message.has_heartbeat()) {
        team_.Heartbeat(worker, talk, message.heartbeat().lease(), message.heartbeat().done());
      } else if (message.has_give_back()) {
        team_.GiveBack(worker, talk, message.give_back().lease(), message.give_back().why());
      } else if (message.has_result()) {
        if (result.size() + message.result().part().size() > kMaxResultBytes) return;
        result += message.result().part();
        if (message.result().last()) team_.Finish(worker, talk, message.result().lease(), std::exchange(result, {}));
      }
    }
  }

  const TeamServer::Options options_;
  Team& team_;
};

void LogOfLibrary(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) LogWarning("grpc: {}", args->message);
}

}  // namespace

struct TeamServer::State {
  State(Options options, Team& of) : service(std::move(options), of), team(of) {}
  Service service;
  Team& team;
  std::optional<SocketAddress> address;
  std::unique_ptr<grpc::Server> server;
};

TeamServer::TeamServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<TeamServer>> TeamServer::Start(Options options, Team& team) {
  gpr_set_log_function(LogOfLibrary);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  std::filesystem::path socket = options.socket;
  auto state = std::make_unique<State>(std::move(options), team);
  NS_ASSIGN_OR_RETURN(state->address, SocketAddress::Of(socket));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(state->address->text(), grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(&state->service);
  mode_t mask = ::umask(0177);
  state->server = builder.BuildAndStart();
  ::umask(mask);
  if (!state->server) return Unavailable(fmt::format("cannot listen at '{}'", socket.string()), "CANNOT_LISTEN");
  return std::unique_ptr<TeamServer>(new TeamServer(std::move(state)));
}

TeamServer::~TeamServer() {
  state_->team.End("the work has ended");
  state_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  state_->server->Wait();
}

}  // namespace ns
