// Model::Save: the structure is serialized, the big weights are streamed after it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "graph/external_data.h"
#include "graph/model.h"
#include "graph/scratch_file.h"
#include "graph/tensor_proto.h"
#include "graph/wire_write.h"

namespace ns {

namespace fs = std::filesystem;
using ns_onnx::GraphProto;
using ns_onnx::TensorProto;

namespace {

constexpr uint64_t kPage = 4096, kLine = 64;

enum class Sync { kYes, kNo };

fs::path FolderOf(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// A temporary neighbour of a file, gone with the object unless committed.
class PendingFile {
 public:
  static Result<PendingFile> Create(const fs::path& target, Sync sync) {
    PendingFile file;
    file.sync_ = sync;
    file.target_ = target;
    file.temporary_ = (FolderOf(target) / ("." + target.filename().string() + ".XXXXXX")).string();
    file.fd_ = FileDescriptor(::mkostemp(file.temporary_.data(), O_CLOEXEC));
    if (!file.fd_.valid()) {
      file.temporary_.clear();
      return ErrnoStatus(errno, fmt::format("cannot write '{}'", target.string()));
    }
    return file;
  }
  PendingFile(PendingFile&& other) noexcept
      : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})), fd_(std::move(other.fd_)),
        buffer_(std::move(other.buffer_)), written_(other.written_), sync_(other.sync_) {}
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  uint64_t position() const { return written_ + buffer_.size(); }

  Status Write(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kBuffer) NS_RETURN_IF_ERROR(Flush());
    if (bytes.size() > kBuffer) {
      written_ += bytes.size();
      return WriteAll(fd_.get(), bytes, target_);
    }
    buffer_.append(bytes);
    return OkStatus();
  }

  Status Finish() {
    NS_RETURN_IF_ERROR(Flush());
    if (::fchmod(fd_.get(), 0644) != 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", target_.string()));
    return sync_ == Sync::kYes ? SyncFile(fd_.get(), target_) : OkStatus();
  }

  Status Commit() {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", target_.string()));
    temporary_.clear();
    return sync_ == Sync::kYes ? SyncFolder(FolderOf(target_)) : OkStatus();
  }

 private:
  PendingFile() = default;
  static constexpr size_t kBuffer = size_t{1} << 20;

  Status Flush() {
    written_ += buffer_.size();
    Status status = WriteAll(fd_.get(), buffer_, target_);
    buffer_.clear();
    return status;
  }

  fs::path target_;
  std::string temporary_;
  FileDescriptor fd_;
  std::string buffer_;
  uint64_t written_ = 0;
  Sync sync_ = Sync::kYes;
};

// Writes a weight in pieces and lets the pages of a mapped one go again, so that saving does not fill the memory with what it copies.
Status WriteWeight(const Model::WeightBytesView& weight, PendingFile& out) {
  constexpr size_t kPiece = size_t{4} << 20;
  for (size_t at = 0; at < weight.bytes.size(); at += kPiece) {
    auto piece = weight.bytes.subspan(at, std::min(kPiece, weight.bytes.size() - at));
    NS_RETURN_IF_ERROR(out.Write({reinterpret_cast<const char*>(piece.data()), piece.size()}));
    auto first = (reinterpret_cast<uintptr_t>(piece.data()) + kPage - 1) / kPage * kPage;
    auto last = reinterpret_cast<uintptr_t>(piece.data() + piece.size()) / kPage * kPage;
    if (!weight.file.empty() && first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  return OkStatus();
}

// The structure with every big weight pointing into the data file, which is written on the way.
Result<ns_onnx::ModelProto> WriteDataFile(const Model& model, PendingFile& data, const std::string& location) {
  ns_onnx::ModelProto proto = model.proto();
  for (TensorProto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    const Model::WeightBytesView* weight = model.SharedWeight(tensor.name());
    if (weight == nullptr) continue;
    uint64_t alignment = weight->bytes.size() >= (uint64_t{1} << 16) ? kPage : kLine;
    uint64_t gap = (alignment - data.position() % alignment) % alignment;
    NS_RETURN_IF_ERROR(data.Write(std::string(gap, '\0')));
    SetExternalLocation(tensor, location, data.position(), weight->bytes.size());
    NS_RETURN_IF_ERROR(WriteWeight(*weight, data));
  }
  return proto;
}

// Data goes under a name that no file has, since the model that is there may refer to all others: whichever of the two renames was the last,
// a model and its data are there. Then the others go.
Status SaveExternal(const Model& model, const fs::path& file, Sync sync) {
  std::error_code ignored;
  int number = 0;
  while (fs::exists(DataPath(file, number), ignored)) ++number;
  fs::path data_path = DataPath(file, number);
  NS_ASSIGN_OR_RETURN(PendingFile data, PendingFile::Create(data_path, sync));
  NS_ASSIGN_OR_RETURN(PendingFile out, PendingFile::Create(file, sync));
  NS_ASSIGN_OR_RETURN(ns_onnx::ModelProto proto, WriteDataFile(model, data, data_path.filename().string()));
  NS_RETURN_IF_ERROR(data.Finish());
  std::string bytes;
  if (!proto.SerializeToString(&bytes)) return Internal(fmt::format("cannot serialize the structure of '{}'", file.string()), "SERIALIZE_FAILED");
  NS_RETURN_IF_ERROR(out.Write(bytes));
  NS_RETURN_IF_ERROR(out.Finish());
  NS_RETURN_IF_ERROR(data.Commit());
  Status committed = out.Commit();
  if (!committed.ok()) {
    ::unlink(data_path.c_str());
    return committed;
  }
  RemoveDataFiles(file, data_path);
  return OkStatus();
}

Status SaveInline(const Model& model, const fs::path& file, Sync sync) {
  NS_ASSIGN_OR_RETURN(PendingFile out, PendingFile::Create(file, sync));
  WireSink sink;
  sink.bytes = [&](std::string_view bytes) { return out.Write(bytes); };
  sink.weight = [&](const Model::WeightBytesView& weight) { return WriteWeight(weight, out); };
  NS_RETURN_IF_ERROR(WriteModel(model, sink));
  NS_RETURN_IF_ERROR(out.Finish());
  return out.Commit();
}

Status SaveAs(const Model& model, const fs::path& file, const SaveOptions& options, Sync sync) {
  uint64_t size = model.proto().ByteSizeLong();
  for (const TensorProto& tensor : model.graph().initializer()) {
    const Model::WeightBytesView* weight = model.SharedWeight(tensor.name());
    if (weight != nullptr) size += weight->bytes.size() + 32;
  }
  bool external = options.external_data || size > options.max_inline_bytes;
  Status status = external ? SaveExternal(model, file, sync) : SaveInline(model, file, sync);
  return status.ok() ? status : status.WithContext("cannot save the model");
}

}  // namespace

Status Model::Save(const fs::path& file, const SaveOptions& options) const { return SaveAs(*this, file, options, Sync::kYes); }

Status SaveScratch(const Model& model, const fs::path& file) { return SaveAs(model, file, {}, Sync::kNo); }

}  // namespace ns
