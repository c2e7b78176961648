// Model::MoveWeightsToTemporaryFile: weights from memory into files that are then mapped.
//
// A file has no name: it is unlinked as soon as it is open, so that whatever ends the process, nothing of it stays. Who
// reads it by name takes the descriptor's.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>

#include "base/cpu.h"
#include "base/file.h"
#include "base/parallel.h"
#include "graph/model.h"

namespace ns {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kPage = 4096;
constexpr int kMostFiles = 4;
constexpr uint64_t kWorthAThread = uint64_t{8} << 20;

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

// Weights that go into one file.
class Part {
 public:
  void Add(Model::WeightBytesView* weight) {
    weights_.push_back(weight);
    bytes_ += weight->bytes.size();
  }
  uint64_t bytes() const { return bytes_; }

  Status Write(const fs::path& folder) {
    NS_ASSIGN_OR_RETURN(FileDescriptor fd, NamelessFile(folder));
    path_ = fmt::format("/proc/self/fd/{}", fd.get());
    uint64_t size = 0;
    for (const Model::WeightBytesView* weight : weights_) {
      NS_RETURN_IF_ERROR(Append(fd.get(), "the temporary file for weights", weight->bytes, size));
      offsets_.push_back(size - weight->bytes.size());
    }
    NS_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(path_));
    owned_ = std::make_shared<OwnedWeights>(OwnedWeights{std::move(fd), std::move(mapped)});
    return OkStatus();
  }

  // After Write(): the weights are those of the file.
  void Use() {
    FileIdentity identity = FileIdentity::Of(path_);
    for (size_t i = 0; i < weights_.size(); ++i) {
      size_t length = weights_[i]->bytes.size();
      *weights_[i] = Model::WeightBytesView{owned_->mapped->bytes().subspan(offsets_[i], length), owned_, path_, offsets_[i], identity};
    }
  }

 private:
  std::vector<Model::WeightBytesView*> weights_;
  std::vector<uint64_t> offsets_;
  uint64_t bytes_ = 0;
  fs::path path_;
  std::shared_ptr<const OwnedWeights> owned_;
};

// At most `most` parts of about the same size, each worth a thread.
std::vector<Part> PartsOf(const std::vector<Model::WeightBytesView*>& weights, int most) {
  uint64_t total = 0;
  for (const auto* weight : weights) total += weight->bytes.size();
  uint64_t size = std::max(total / static_cast<uint64_t>(std::clamp(most, 1, kMostFiles)) + 1, kWorthAThread);
  std::vector<Part> parts;
  for (auto* weight : weights) {
    if (parts.empty() || parts.back().bytes() >= size) parts.emplace_back();
    parts.back().Add(weight);
  }
  return parts;
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
  CurrentFiles files;
  std::vector<WeightBytesView*> moved;
  for (const auto& tensor : graph().initializer()) {
    auto found = shared_.find(tensor.name());
    if (found != shared_.end() && !files.Holds(found->second)) moved.push_back(&found->second);
  }
  // Several threads write faster than one, but not into one file: the kernel lets one at a time.
  std::vector<Part> parts = PartsOf(moved, static_cast<int>(UsableCores().size()));
  auto write = [&](int, int64_t part) { return parts[static_cast<size_t>(part)].Write(folder); };
  NS_RETURN_IF_ERROR(RunParallel(std::ssize(parts), static_cast<int>(parts.size()), write));
  for (Part& part : parts) part.Use();
  return OkStatus();
}

}  // namespace ns
