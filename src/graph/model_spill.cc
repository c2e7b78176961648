// Model::MoveWeightsToFile: weights from memory into a file that is then mapped.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "graph/model.h"

namespace ns {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kPage = 4096;

// Asks the file system once for each file.
class CurrentFiles {
 public:
  bool Holds(const Model::WeightBytesView& weight) {
    if (weight.file.empty()) return false;
    auto [known, is_new] = known_.try_emplace(weight.file, false);
    if (is_new) known->second = weight.FileIsCurrent();
    return known->second;
  }

 private:
  std::map<fs::path, bool> known_;
};

// Appends the weight on a page of its own; `size` is the file's size before and after.
Status Append(int fd, const fs::path& file, std::span<const std::byte> bytes, uint64_t& size) {
  std::string gap((kPage - size % kPage) % kPage, '\0');
  NS_RETURN_IF_ERROR(WriteAll(fd, gap, file));
  size += gap.size() + bytes.size();
  return WriteAll(fd, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
}

// A mapping and the folder of the file behind it.
struct OwnedWeights {
  std::shared_ptr<const void> mapped;
  TempDir folder;
};

}  // namespace

uint64_t Model::InMemoryWeightBytes() const {
  CurrentFiles files;
  uint64_t total = 0;
  for (const auto& [name, weight] : shared_)
    if (!files.Holds(weight)) total += weight.bytes.size();
  return total;
}

Status Model::MoveWeightsToFile(const fs::path& file) {
  FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, fmt::format("cannot write weights to '{}'", file.string()));
  CurrentFiles files;
  std::vector<std::pair<WeightBytesView*, uint64_t>> moved;  // with their offsets
  uint64_t size = 0;
  Status status;
  for (const auto& tensor : graph().initializer()) {
    auto found = shared_.find(tensor.name());
    if (found == shared_.end() || files.Holds(found->second)) continue;
    status = Append(fd.get(), file, found->second.bytes, size);
    if (!status.ok()) break;
    moved.emplace_back(&found->second, size - found->second.bytes.size());
  }
  std::error_code error;
  fs::path path = fs::canonical(file, error);
  Result<std::shared_ptr<const MappedFile>> mapped = status.ok() ? MappedFile::Open(path) : status;
  if (!mapped.ok()) {
    ::unlink(file.c_str());
    return mapped.status();
  }
  FileIdentity identity = FileIdentity::Of(path);
  for (auto& [weight, offset] : moved) {
    size_t length = weight->bytes.size();
    *weight = WeightBytesView{(*mapped)->bytes().subspan(offset, length), *mapped, path, offset, identity};
  }
  return OkStatus();
}

Status Model::MoveWeightsToTemporaryFile() {
  if (InMemoryWeightBytes() == 0) return OkStatus();
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-weights-"));
  fs::path file = fs::canonical(folder.path()) / "weights";
  NS_RETURN_IF_ERROR(MoveWeightsToFile(file));
  auto owned = std::make_shared<OwnedWeights>(OwnedWeights{nullptr, std::move(folder)});
  for (auto& [name, weight] : shared_) {
    if (weight.file != file) continue;
    if (owned->mapped == nullptr) owned->mapped = weight.owner;
    weight.owner = owned;
  }
  return OkStatus();
}

}  // namespace ns
