#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "api/rpc/calls.h"
#include "base/file.h"

namespace ns {

namespace {

constexpr size_t kPiece = 256 << 10;

// Reads a piece on the pool, sends it, reads the next: one is in memory at a time. Whoever ends a step starts the next, so no lock is needed.
class DownloadCall final : public grpc::ServerWriteReactor<pb::DownloadChunk> {
 public:
  DownloadCall(RpcShared& shared, TaskCall call, const pb::DownloadRequest& request)
      : shared_(shared), caller_(std::move(call.caller)), id_(std::move(call.id)), at_(request.offset()) {
    if (request.has_trial()) trial_ = static_cast<int>(std::min<uint32_t>(request.trial(), INT32_MAX));
  }

  void Begin() {
    boost::asio::post(shared_.pool, [this] {
      shared_.service.Download(caller_, id_, trial_, [this](Result<std::filesystem::path> zip) {
        boost::asio::post(shared_.pool, [this, zip = std::move(zip)] {
          Status status = zip.ok() ? Open(*zip) : zip.status();
          if (!status.ok()) return Finish(ToGrpc(status));
          ReadPiece();
        });
      });
    });
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    boost::asio::post(shared_.pool, [this] { ReadPiece(); });
  }
  void OnDone() override { delete this; }

 private:
  Status Open(const std::filesystem::path& zip) {
    file_.reset(::open(zip.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat about {};
    if (!file_.valid() || ::fstat(file_.get(), &about) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", zip.string()));
    total_ = about.st_size;
    if (at_ >= 0 && at_ <= total_) return OkStatus();
    return Status(StatusCode::kOutOfRange, fmt::format("offset must be 0 to {}, the zip's size, got {}", total_, at_), "BAD_OFFSET", "offset");
  }

  void ReadPiece() {
    std::string& data = *chunk_.mutable_data();
    data.resize(static_cast<size_t>(std::min<int64_t>(kPiece, total_ - at_)));
    chunk_.set_offset(at_);
    chunk_.set_total(total_);
    size_t have = 0;
    while (have < data.size()) {
      ssize_t n = ::pread(file_.get(), data.data() + have, data.size() - have, at_ + static_cast<int64_t>(have));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return Finish(ToGrpc(ErrnoStatus(n < 0 ? errno : EIO, fmt::format("cannot read the zip of {}", id_))));
      have += static_cast<size_t>(n);
    }
    at_ += static_cast<int64_t>(have);
    if (at_ == total_) return StartWriteAndFinish(&chunk_, {}, grpc::Status::OK);
    StartWrite(&chunk_);
  }

  RpcShared& shared_;
  const Caller caller_;
  const std::string id_;
  std::optional<int> trial_;
  int64_t at_, total_ = 0;
  FileDescriptor file_;
  pb::DownloadChunk chunk_;
};

class RefusedDownload final : public grpc::ServerWriteReactor<pb::DownloadChunk> {
 public:
  explicit RefusedDownload(const Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<pb::DownloadChunk>* StartDownload(RpcShared& shared, grpc::CallbackServerContext* context,
                                                           const pb::DownloadRequest& request) {
  auto admitted = AdmitTask(shared, *context, request.task_id());
  if (!admitted.ok()) return std::make_unique<RefusedDownload>(admitted.status()).release();
  auto call = std::make_unique<DownloadCall>(shared, std::move(*admitted), request);
  call->Begin();
  return call.release();
}

}  // namespace ns
