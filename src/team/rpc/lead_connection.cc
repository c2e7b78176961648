#include "team/rpc/lead_connection.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <mutex>

#include "base/hash.h"
#include "team.grpc.pb.h"
#include "team/rpc/socket_address.h"

namespace ns {

namespace pb = neural_solution::team;

namespace {

constexpr size_t kPartBytes = 1 << 20;

Status StatusOf(const grpc::Status& status) {
  std::string text = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAUTHENTICATED:
      return Status(StatusCode::kPermissionDenied, text, "NOT_OF_THIS_TEAM");
    case grpc::StatusCode::FAILED_PRECONDITION:
      return FailedPrecondition(text, "NOT_WANTED");
    case grpc::StatusCode::NOT_FOUND:
      return NotFound(text, "NO_BLOB");
    default:
      return Unavailable(text.empty() ? "the lead broke the connection off" : text, "NO_LEAD");
  }
}

Result<LeadWords> WordsOf(pb::FromLead message) {
  if (message.has_welcome()) return LeadWords(WelcomeWords{message.welcome().task(), message.welcome().heartbeat_seconds()});
  if (message.has_item()) return LeadWords(GivenItem{message.item().lease(), message.item().kind(), message.item().payload()});
  if (message.has_stop()) return LeadWords(StopItem{message.stop().lease()});
  if (message.has_end()) return LeadWords(EndOfWork{message.end().why()});
  return Unavailable("the lead said something unknown", "NO_LEAD");
}

}  // namespace

struct LeadConnection::State {
  explicit State(SocketAddress where) : address(std::move(where)) {}
  SocketAddress address;
  std::string token;
  std::unique_ptr<pb::Team::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<pb::FromAssistant, pb::FromLead>> stream;
  std::mutex writing;

  bool Write(const pb::FromAssistant& message) {
    std::lock_guard lock(writing);
    return stream->Write(message);
  }
};

LeadConnection::LeadConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
LeadConnection::~LeadConnection() { Close(); }

Result<std::unique_ptr<LeadConnection>> LeadConnection::Open(const Introduction& who) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  NS_ASSIGN_OR_RETURN(SocketAddress address, SocketAddress::Of(who.socket));
  auto state = std::make_unique<State>(std::move(address));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a new attempt does not wait for an earlier one's backoff
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  auto channel = grpc::CreateCustomChannel(state->address.text(), grpc::InsecureChannelCredentials(), arguments);
  state->stub = pb::Team::NewStub(channel);
  state->token = "Bearer " + who.token;
  state->context.AddMetadata("authorization", state->token);
  state->stream = state->stub->Work(&state->context);
  pb::FromAssistant join;
  join.mutable_join()->set_worker(who.worker);
  join.mutable_join()->set_fence(who.fence);
  join.mutable_join()->set_threads(who.threads);
  join.mutable_join()->set_processor(who.processor);
  join.mutable_join()->set_program(who.program);
  for (const std::string& piece : who.killed) join.mutable_join()->add_killed(piece);
  state->Write(join);
  return std::unique_ptr<LeadConnection>(new LeadConnection(std::move(state)));
}

Result<LeadWords> LeadConnection::Read() {
  pb::FromLead message;
  if (state_->stream->Read(&message)) return WordsOf(std::move(message));
  return StatusOf(state_->stream->Finish());
}

bool LeadConnection::SendReady() {
  pb::FromAssistant message;
  message.mutable_ready();
  return state_->Write(message);
}

bool LeadConnection::SendHeartbeat(int64_t lease, double done) {
  pb::FromAssistant message;
  message.mutable_heartbeat()->set_lease(lease);
  message.mutable_heartbeat()->set_done(done);
  return state_->Write(message);
}

bool LeadConnection::SendResult(int64_t lease, std::string_view result) {
  pb::FromAssistant message;
  size_t at = 0;
  do {
    std::string_view part = result.substr(at, kPartBytes);
    at += part.size();
    message.mutable_result()->set_lease(lease);
    message.mutable_result()->set_part(std::string(part));
    message.mutable_result()->set_last(at == result.size());
    if (!state_->Write(message)) return false;
  } while (at < result.size());
  return true;
}

bool LeadConnection::SendGiveBack(int64_t lease, const std::string& why) {
  pb::FromAssistant message;
  message.mutable_give_back()->set_lease(lease);
  message.mutable_give_back()->set_why(why);
  return state_->Write(message);
}

Result<std::string> LeadConnection::Fetch(const std::string& digest) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", state_->token);
  pb::BlobRequest request;
  request.set_digest(digest);
  auto reader = state_->stub->Fetch(&context, request);
  std::string content;
  pb::Chunk chunk;
  while (reader->Read(&chunk)) content += chunk.data();
  grpc::Status status = reader->Finish();
  if (!status.ok()) return StatusOf(status);
  if (Sha256Hex(content) != digest) return Status(StatusCode::kDataLoss, "content from the lead does not match its digest", "DIGEST_MISMATCH");
  return content;
}

void LeadConnection::SendGoodbye() {
  std::lock_guard lock(state_->writing);
  state_->stream->WritesDone();
}

void LeadConnection::Close() { state_->context.TryCancel(); }

}  // namespace ns
