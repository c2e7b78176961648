#include "service/outpost_inputs.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/hash.h"
#include "service/external_data.h"
#include "tasks/cache_folder.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMostFiles = 100'000;

bool IsBelow(const fs::path& path, const fs::path& root) { return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end(); }

std::string IdentityOf(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return "";
  return fmt::format("{}:{}:{}:{}.{}:{}.{}", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                     info.st_ctim.tv_nsec);
}

class Gatherer {
 public:
  explicit Gatherer(FileDigests& digests) : digests_(digests) {}

  Status Add(const OutpostInput& input) {
    std::error_code error;
    if (input.awaited && !fs::exists(input.source / "inputs.json", error)) return Unavailable("the task's lead has not fetched it yet", "NOT_YET");
    if (fs::is_directory(input.source, error)) return AddFolder(input);
    if (input.target == kNodeCacheFolderName) return OkStatus();  // nothing was found out yet
    NS_RETURN_IF_ERROR(AddFile(input, input.source, input.target));
    if (!input.model || input.source.extension() != ".onnx") return OkStatus();
    NS_ASSIGN_OR_RETURN(std::vector<std::string> beside, ExternalDataOf(input.source));
    const fs::path folder = fs::weakly_canonical(input.source, error).parent_path();
    for (const std::string& name : beside) {
      fs::path file = fs::weakly_canonical(folder / name, error);
      if (!error && IsBelow(file, folder) && fs::is_regular_file(file, error)) {
        NS_RETURN_IF_ERROR(AddFile(input, file, (fs::path(input.target).parent_path() / name).string()));
      }
    }
    return OkStatus();
  }
  std::vector<GivenFile> files;

 private:
  Status AddFolder(const OutpostInput& input) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(input.source, error);
    bool entries = input.target == kNodeCacheFolderName;
    for (fs::recursive_directory_iterator at(input.source, error), end; !error && at != end; at.increment(error)) {
      std::error_code gone;
      if (!at->is_regular_file(gone) || (entries && !IsCacheEntryName(at->path().filename().string()))) continue;
      if (at->is_symlink(gone) && !IsBelow(fs::weakly_canonical(at->path(), gone), root)) continue;
      Status added = AddFile(input, at->path(), (fs::path(input.target) / at->path().lexically_relative(input.source)).string());
      bool left = entries && added.code() == StatusCode::kNotFound;  // the folder is trimmed meanwhile
      if (!left) NS_RETURN_IF_ERROR(added);
    }
    return error ? ErrnoStatus(error.value(), fmt::format("cannot read the folder '{}'", input.source.string())) : OkStatus();
  }
  Status AddFile(const OutpostInput& input, const fs::path& source, const std::string& target) {
    if (files.size() == kMostFiles) return ResourceExhausted(fmt::format("'{}' has more than {} files", input.source.string(), kMostFiles), "TOO_MANY_FILES");
    std::error_code error;
    uint64_t size = fs::file_size(source, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot read '{}'", source.string()));
    NS_ASSIGN_OR_RETURN(std::string sha256, digests_.Of(source));
    files.push_back({{target, sha256, size, input.kept}, source});
    return OkStatus();
  }

  FileDigests& digests_;
};

}  // namespace

Result<std::string> FileDigests::Of(const fs::path& file) {
  const std::string identity = IdentityOf(file);
  {
    std::lock_guard lock(mutex_);
    if (auto found = known_.find(identity); found != known_.end()) return found->second;
  }
  NS_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(file));
  if (identity.empty() || IdentityOf(file) != identity) {
    return Status(StatusCode::kAborted, fmt::format("'{}' is written to while it is read", file.string()), "FILE_CHANGES");
  }
  std::lock_guard lock(mutex_);
  if (known_.size() >= kMost) known_.clear();
  known_.emplace(identity, sha256);
  return sha256;
}

Result<std::vector<GivenFile>> GatherInputs(const std::vector<OutpostInput>& inputs, FileDigests& digests) {
  Gatherer gatherer(digests);
  for (const OutpostInput& input : inputs) NS_RETURN_IF_ERROR(gatherer.Add(input));
  return std::move(gatherer.files);
}

}  // namespace ns
