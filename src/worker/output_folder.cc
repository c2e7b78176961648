#include "worker/output_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/log.h"

namespace ns {
namespace fs = std::filesystem;

void ScratchFolders::Add(const fs::path& folder) {
  std::lock_guard lock(mutex_);
  folders_.insert(folder);
}

void ScratchFolders::Remove(const fs::path& folder) {
  std::lock_guard lock(mutex_);
  folders_.erase(folder);
}

Status ScratchFolders::Place(const fs::path& folder, const std::function<Status()>& rename) {
  std::lock_guard lock(mutex_);
  if (deleted_) return Cancelled();
  NS_RETURN_IF_ERROR(rename());
  placed_ = true;
  folders_.erase(folder);
  return OkStatus();
}

void ScratchFolders::ExpectResult() {
  if (expects_result_.exchange(true) || mark_.empty()) return;
  Status marked = WriteFileAtomic(mark_, "");
  if (!marked.ok()) LogWarning("a stop may lose the best model: {}", marked.message());
}

bool ScratchFolders::DeleteAll() {
  std::lock_guard lock(mutex_);
  deleted_ = true;
  std::error_code ignored;
  for (const fs::path& folder : folders_) {
    // A thread may still be writing there: what it made meanwhile goes with the second sweep.
    fs::remove_all(folder, ignored);
    fs::remove_all(folder, ignored);
  }
  return placed_;
}

namespace {

fs::path Cleaned(const fs::path& path) {
  fs::path clean = fs::absolute(path).lexically_normal();
  return clean.has_filename() ? clean : clean.parent_path();
}

bool IsEarlierResult(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "report.json", ignored) && fs::is_regular_file(folder / "recipe.json", ignored);
}

}  // namespace

Status OutputFolder::Check(const fs::path& path, Existing existing) {
  std::error_code error;
  auto exists = [&](std::string_view what) {
    return Status(StatusCode::kAlreadyExists, fmt::format("the output '{}' {}", path.string(), what), "OUTPUT_EXISTS");
  };
  fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return OkStatus();
  if (!fs::is_directory(status)) return exists("is a file; name a folder with -o");
  bool empty = fs::is_empty(path, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot look into the output '{}'", path.string()));
  if (empty) return OkStatus();
  if (existing == Existing::kReplaceResult) {
    return IsEarlierResult(path) ? OkStatus()
                                 : exists("holds something else than an earlier result; name another folder with -o");
  }
  return exists("is not empty; name another folder with -o, or replace an earlier result with --force");
}

Result<OutputFolder> OutputFolder::Create(const fs::path& path, Existing existing, ScratchFolders& scratch) {
  NS_RETURN_IF_ERROR(Check(path, existing));
  fs::path clean = Cleaned(path);
  std::error_code error;
  fs::create_directories(clean.parent_path(), error);
  if (error)
    return ErrnoStatus(error.value(), fmt::format("cannot make the folder '{}'", clean.parent_path().string()));
  NS_ASSIGN_OR_RETURN(TempDir temporary, TempDir::Create("." + clean.filename().string() + ".", clean.parent_path()));
  scratch.Add(temporary.path());
  return OutputFolder(std::move(clean), std::move(temporary), scratch);
}

OutputFolder::~OutputFolder() {
  if (!temporary_.path().empty()) scratch_->Remove(temporary_.path());
}

namespace {

Status SyncFilesOf(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error)) continue;
    FileDescriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", entry.path().string()));
    NS_RETURN_IF_ERROR(SyncFile(file.get(), entry.path()));
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot look into '{}'", folder.string()));
  return SyncFolder(folder);
}

}  // namespace

Status OutputFolder::Commit() {
  NS_RETURN_IF_ERROR(SyncFilesOf(folder()));
  if (::chmod(folder().c_str(), 0755) != 0)
    return ErrnoStatus(errno, fmt::format("cannot open up '{}'", folder().string()));
  std::error_code error;
  fs::path temporary = folder();
  bool replaces = fs::is_directory(path_, error) && !fs::is_empty(path_, error);
  // An exchange leaves the earlier result whole until the very moment; it then lies under the temporary name and goes
  // with it.
  NS_RETURN_IF_ERROR(scratch_->Place(temporary, [&]() -> Status {
    int failed = replaces ? ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE)
                          : ::rename(temporary.c_str(), path_.c_str());
    return failed == 0 ? OkStatus()
                       : ErrnoStatus(errno, fmt::format("cannot rename the result to '{}'", path_.string()));
  }));
  if (!replaces) temporary_.Release();
  return SyncFolder(path_.parent_path());
}

Status CopyModelFolderFiles(const fs::path& from, const fs::path& to) {
  static constexpr const char* kNames[] = {"config.json",
                                           "generation_config.json",
                                           "tokenizer.json",
                                           "tokenizer_config.json",
                                           "special_tokens_map.json",
                                           "added_tokens.json",
                                           "vocab.txt",
                                           "vocab.json",
                                           "merges.txt",
                                           "spiece.model",
                                           "sentencepiece.bpe.model",
                                           "tokenizer.model",
                                           "preprocessor_config.json"};
  for (const char* name : kNames) {
    std::error_code error;
    if (!fs::is_regular_file(from / name, error)) continue;
    fs::copy_file(from / name, to / name, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot copy '{}' to the output", (from / name).string()));
  }
  return OkStatus();
}

}  // namespace ns
