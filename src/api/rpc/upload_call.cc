#include <utility>

#include "api/rpc/calls.h"
#include "base/digest_header.h"
#include "service/file_store.h"

namespace ns {

namespace {

constexpr size_t kMostData = 1 << 20;

void Fill(const StoredFile& file, pb::UploadResponse* out) {
  out->set_id(file.id);
  out->set_sha256(file.sha256);
  out->set_size(static_cast<int64_t>(file.size));
  out->set_complete(true);
  out->set_name(file.name);
}

void Fill(const PartialFile& part, pb::UploadResponse* out) {
  out->set_size(static_cast<int64_t>(part.received));
  out->set_name(part.name);
}

// Takes one message at a time: the next is read when the last is in the file, so a fast client waits. Whoever ends a step starts the next.
class UploadCall final : public grpc::ServerReadReactor<pb::UploadRequest> {
 public:
  UploadCall(RpcShared& shared, grpc::CallbackServerContext* context, pb::UploadResponse* answer)
      : shared_(shared), context_(context), answer_(answer), caller_(Admit(shared, *context)) {
    if (!caller_.ok()) {
      Finish(ToGrpc(caller_.status()));
    } else {
      StartRead(&message_);
    }
  }

  void OnReadDone(bool ok) override {
    boost::asio::post(shared_.pool, [this, ok] {
      if (!ok) return End();
      if (Status status = Take(); !status.ok()) return Finish(ToGrpc(status));
      StartRead(&message_);
    });
  }
  void OnDone() override { delete this; }

 private:
  Status Take() {
    if (message_.has_header() != (upload_ == nullptr)) {
      return InvalidArgument("the first message has the header, the others data", "BAD_UPLOAD", "header");
    }
    if (message_.has_header()) return Begin(message_.header());
    if (message_.data().size() <= kMostData) return upload_->Take(message_.data());
    return InvalidArgument(fmt::format("a message has at most {} bytes of data, got {}", kMostData, message_.data().size()), "BAD_UPLOAD", "data");
  }

  Status Begin(const pb::UploadHeader& header) {
    UploadRequest request;
    request.name = header.name();
    if (header.offset() < 0) return InvalidArgument("offset must not be negative", "BAD_UPLOAD", "header.offset");
    if (header.has_size() && header.size() < header.offset()) {
      return InvalidArgument("size must not be less than offset", "BAD_UPLOAD", "header.size");
    }
    request.first = static_cast<uint64_t>(header.offset());
    if (header.has_size()) request.total = request.end = static_cast<uint64_t>(header.size());
    if (!header.sha256().empty()) {
      auto digest = ParseHexDigest(header.sha256());
      if (!digest.ok()) return digest.status().WithField("header.sha256");
      request.sha256 = *digest;
    }
    auto upload = shared_.service.BeginUpload(*caller_, request);
    if (!upload.ok()) return upload.status();
    upload_ = std::move(*upload);
    return OkStatus();
  }

  // What has arrived of a broken stream stays, to go on from.
  void End() {
    if (context_->IsCancelled()) return Finish(grpc::Status::CANCELLED);
    if (upload_ == nullptr) return Finish(ToGrpc(InvalidArgument("an upload begins with a header", "BAD_UPLOAD", "header")));
    auto outcome = upload_->Finish();
    if (!outcome.ok()) return Finish(ToGrpc(outcome.status()));
    if (outcome->file) {
      Fill(*outcome->file, answer_);
    } else {
      Fill(outcome->part, answer_);
    }
    Finish(grpc::Status::OK);
  }

  RpcShared& shared_;
  grpc::CallbackServerContext* const context_;
  pb::UploadResponse* const answer_;
  const Result<Caller> caller_;
  std::unique_ptr<Upload> upload_;
  pb::UploadRequest message_;
};

}  // namespace

grpc::ServerReadReactor<pb::UploadRequest>* StartUpload(RpcShared& shared, grpc::CallbackServerContext* context, pb::UploadResponse* answer) {
  return std::make_unique<UploadCall>(shared, context, answer).release();
}

TaskCalls::Unary* TaskCalls::QueryUpload(Context* context, const pb::QueryUploadRequest* request, pb::UploadResponse* answer) {
  auto* reactor = context->DefaultReactor();
  boost::asio::post(shared_.pool, [this, reactor, answer, caller = Admit(shared_, *context), name = request->name()] {
    if (!caller.ok()) return reactor->Finish(ToGrpc(caller.status()));
    auto part = shared_.service.GetPart(*caller, name);
    if (part.ok()) {
      Fill(*part, answer);
      return reactor->Finish(grpc::Status::OK);
    }
    auto file = shared_.service.GetFile(*caller, name);
    if (file.ok()) Fill(*file, answer);
    reactor->Finish(ToGrpc(file.status()));
  });
  return reactor;
}

}  // namespace ns
