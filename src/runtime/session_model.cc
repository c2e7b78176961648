#include "runtime/session_model.h"

#include <fcntl.h>

#include <cerrno>

#include "graph/tensor_proto.h"
#include "graph/wire_write.h"

namespace ns {
namespace {

using ns_onnx::TensorProto;

// Weights below this are copied into the buffer: then they are aligned, and kernels that use them unpacked (bias, scales) are not slowed.
constexpr size_t kLeastInFile = size_t{64} << 10;
constexpr uint64_t kMostCopied = uint64_t{16} << 20;
constexpr uint64_t kPage = 4096;

enum class Place { kBuffer, kItsFile, kSpill };

// Appends weights to a file of ours, each on a page.
class SpillFile {
 public:
  Status Open() {
    NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-weights-"));
    path_ = folder.path() / "weights";
    folder_.emplace(std::move(folder));
    fd_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd_.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path_.string()));
    return OkStatus();
  }
  Status Append(std::span<const std::byte> bytes, uint64_t& offset) {
    if (!fd_.valid()) NS_RETURN_IF_ERROR(Open());
    std::string gap((kPage - size_ % kPage) % kPage, '\0');
    offset = size_ + gap.size();
    size_ = offset + bytes.size();
    NS_RETURN_IF_ERROR(WriteAll(fd_.get(), gap, path_));
    return WriteAll(fd_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_);
  }
  const std::filesystem::path& path() const { return path_; }
  std::optional<TempDir> TakeFolder() { return std::move(folder_); }

 private:
  std::optional<TempDir> folder_;
  std::filesystem::path path_;
  FileDescriptor fd_;
  uint64_t size_ = 0;
};

std::string BelowRoot(const std::filesystem::path& path) { return path.relative_path().string(); }

// Where each shared weight goes, in the order of the initializers; kBuffer also for those that are not shared.
std::vector<Place> Plan(const Model& model, bool self_contained) {
  std::vector<Place> places;
  uint64_t in_memory = 0;
  std::map<std::filesystem::path, bool> current;  // one look a file
  for (const TensorProto& tensor : model.graph().initializer()) {
    const auto* weight = model.SharedWeight(tensor.name());
    Place place = Place::kBuffer;
    if (weight != nullptr && !self_contained && weight->bytes.size() >= kLeastInFile) {
      auto [known, is_new] = current.try_emplace(weight->file, false);
      if (is_new) known->second = weight->FileIsCurrent();
      place = known->second ? Place::kItsFile : Place::kSpill;
    }
    if (place == Place::kSpill) in_memory += weight->bytes.size();
    places.push_back(place);
  }
  if (in_memory <= kMostCopied) std::replace(places.begin(), places.end(), Place::kSpill, Place::kBuffer);
  return places;
}

}  // namespace

Result<SessionModel> MakeSessionModel(const Model& model, bool self_contained) {
  SessionModel made;
  if (self_contained) {
    NS_ASSIGN_OR_RETURN(made.bytes, SerializeModel(model));
    return made;
  }
  std::vector<Place> places = Plan(model, self_contained);
  SpillFile spill;
  ns_onnx::ModelProto proto = model.proto();
  for (int i = 0; i < proto.graph().initializer_size(); ++i) {
    TensorProto& tensor = *proto.mutable_graph()->mutable_initializer(i);
    const auto* weight = model.SharedWeight(tensor.name());
    if (weight == nullptr) continue;
    uint64_t offset = weight->file_offset;
    switch (places[static_cast<size_t>(i)]) {
      case Place::kBuffer:
        tensor.clear_external_data();
        tensor.clear_data_location();
        tensor.set_raw_data(weight->bytes.data(), weight->bytes.size());
        break;
      case Place::kItsFile: SetExternalLocation(tensor, BelowRoot(weight->file), offset, weight->bytes.size()); break;
      case Place::kSpill:
        NS_RETURN_IF_ERROR(spill.Append(weight->bytes, offset));
        SetExternalLocation(tensor, BelowRoot(spill.path()), offset, weight->bytes.size());
        break;
    }
  }
  if (!proto.SerializeToString(&made.bytes)) return ResourceExhausted("the model's small weights are over 2 GiB together", "MODEL_TOO_LARGE");
  made.spilled = spill.TakeFolder();
  return made;
}

}  // namespace ns
