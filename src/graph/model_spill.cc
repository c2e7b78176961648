// Model::MoveWeightsToTemporaryFile: weights from memory into a file that is then mapped.
//
// The file has no name: it is unlinked as soon as it is open, so that whatever ends the process, nothing of it stays. Who
// reads it by name takes the descriptor's.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

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

// What the weights' bytes need: the mapping, and the descriptor behind the path by which the file is opened again.
struct OwnedWeights {
  FileDescriptor fd;
  std::shared_ptr<const MappedFile> mapped;
};

Result<FileDescriptor> NamelessFile(fs::path folder) {
  std::error_code error;
  if (folder.empty()) folder = fs::temp_directory_path(error);
  if (error) return ErrnoStatus(error.value(), "cannot find the temporary folder");
  std::string pattern = (folder / "ns-weights-XXXXXX").string();
  FileDescriptor fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, fmt::format("cannot write weights to a file in '{}'", folder.string()));
  if (::unlink(pattern.c_str()) != 0) return ErrnoStatus(errno, fmt::format("cannot unlink '{}'", pattern));
  return fd;
}

}  // namespace

uint64_t Model::InMemoryWeightBytes() const {
  CurrentFiles files;
  uint64_t total = 0;
  for (const auto& [name, weight] : shared_)
    if (!files.Holds(weight)) total += weight.bytes.size();
  return total;
}

Status Model::MoveWeightsToTemporaryFile(const fs::path& folder) {
  if (InMemoryWeightBytes() == 0) return OkStatus();
  NS_ASSIGN_OR_RETURN(FileDescriptor fd, NamelessFile(folder));
  fs::path path = fmt::format("/proc/self/fd/{}", fd.get());
  CurrentFiles files;
  std::vector<std::pair<WeightBytesView*, uint64_t>> moved;  // with their offsets
  uint64_t size = 0;
  for (const auto& tensor : graph().initializer()) {
    auto found = shared_.find(tensor.name());
    if (found == shared_.end() || files.Holds(found->second)) continue;
    NS_RETURN_IF_ERROR(Append(fd.get(), "the temporary file for weights", found->second.bytes, size));
    moved.emplace_back(&found->second, size - found->second.bytes.size());
  }
  NS_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(path));
  auto owned = std::make_shared<OwnedWeights>(OwnedWeights{std::move(fd), std::move(mapped)});
  FileIdentity identity = FileIdentity::Of(path);
  for (auto& [weight, offset] : moved) {
    size_t length = weight->bytes.size();
    *weight = WeightBytesView{owned->mapped->bytes().subspan(offset, length), owned, path, offset, identity};
  }
  return OkStatus();
}

}  // namespace ns
