// The folder of a result: made whole beside its place and renamed there, so that nobody ever sees a part of it.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>

#include "base/file.h"
#include "base/status.h"

namespace ns {

// Folders that must not outlive this process, also when it has to end without unwinding (a second within a signal's
// grace). Thread-safe.
class ScratchFolders {
 public:
  void Add(const std::filesystem::path& folder);
  void Remove(const std::filesystem::path& folder);
  // Puts a result that was made in `folder` into its place: runs `rename`, which moves it there, and forgets the
  // folder. One step beside DeleteAll(): Cancelled, without a call, after that. Else what `rename` returns.
  Status Place(const std::filesystem::path& folder, const std::function<Status()>& rename);
  // Deletes them all. False when nothing was placed: the process should end next, having written nothing. True when a
  // result is in its place: what is left to do is to say so.
  bool DeleteAll();
  // Says that a stop has something to put into its place first, however long it takes to write: who would cut it off waits.
  // Whoever can't ask sees it by `mark`, a file that is made then; to be given before.
  void MarkExpectedResult(std::filesystem::path mark) { mark_ = std::move(mark); }
  void ExpectResult();
  bool expects_result() const { return expects_result_; }

 private:
  std::mutex mutex_;
  std::set<std::filesystem::path> folders_;
  bool placed_ = false, deleted_ = false;
  std::atomic<bool> expects_result_ = false;
  std::filesystem::path mark_;
};

class OutputFolder {
 public:
  enum class Existing {
    kRefuse,         // a folder with something in it is refused
    kReplaceResult,  // an earlier result of ours is replaced, anything else still refused
  };

  // AlreadyExists (OUTPUT_EXISTS) when `path` is a file or holds something, and what `existing` says.
  static Status Check(const std::filesystem::path& path, Existing existing);

  // Makes the temporary folder beside `path` (parents are made, too). Errors of Check() and of the file system.
  static Result<OutputFolder> Create(const std::filesystem::path& path, Existing existing, ScratchFolders& scratch);
  OutputFolder(OutputFolder&&) noexcept = default;
  OutputFolder& operator=(OutputFolder&&) = delete;
  ~OutputFolder();

  // Where the files are written until Commit().
  const std::filesystem::path& folder() const { return temporary_.path(); }
  // Makes all files durable and renames the folder into place.
  Status Commit();

 private:
  OutputFolder(std::filesystem::path path, TempDir temporary, ScratchFolders& scratch)
      : path_(std::move(path)), temporary_(std::move(temporary)), scratch_(&scratch) {}

  std::filesystem::path path_;
  TempDir temporary_;
  ScratchFolders* scratch_;
};

// Copies the files of a Hugging Face folder that a user of the model needs beside it: configuration, tokenizer,
// preprocessing. Those that are not there are passed over.
Status CopyModelFolderFiles(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace ns
