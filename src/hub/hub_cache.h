// The hub's cache of files, as its own client lays it out, so that both use the same downloads:
//
//   CACHE/models--owner--name/blobs/<etag>                       a file's content: SHA-256 of large files, git's name of small ones
//                             refs/<revision>                    the commit, as text
//                             snapshots/<commit>/<path>          a link to ../../blobs/<etag>
//   CACHE/.locks/models--owner--name/<etag>.lock                 held while a blob is brought
// and of our own: CACHE/.locks/models--owner--name/in_use, held while a model is being used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "tasks/hub_name.h"

namespace ns {

// 40 lower-case hex digits.
bool IsCommit(std::string_view text);

// The ETag header's value as a blob's name, without quotes and the mark of weakness; "": it cannot be one.
std::string BlobName(std::string_view etag);

class HubCache {
 public:
  HubCache(const std::filesystem::path& cache, const HubName& name);

  std::filesystem::path blob(const std::string& blob) const { return repository_ / "blobs" / blob; }
  std::filesystem::path snapshot(const std::string& commit) const { return repository_ / "snapshots" / commit; }

  // What `revision` was when it was last asked for; a commit is itself.
  std::optional<std::string> CommitOf(const std::string& revision) const;
  // Of the snapshot, the paths whose content is there; sorted.
  std::vector<std::string> FilesOf(const std::string& commit) const;

  Status SetCommit(const std::string& revision, const std::string& commit) const;
  // Makes the snapshot's `file` lead to the blob, which is there.
  Status Link(const std::string& commit, const std::string& file, const std::string& blob) const;

  // Waits while another process brings the blob.
  Result<FileDescriptor> LockBlob(const std::string& blob) const;
  // Keeps TrimHubCache() from removing the repository, and says that it is used now.
  Result<FileDescriptor> Use() const;

 private:
  const std::filesystem::path repository_, locks_;
};

// Removes the repositories that were unused for longest, but for those in use, until the blobs of all take at most `max_bytes`. For a cache that
// nobody else fills.
void TrimHubCache(const std::filesystem::path& cache, uint64_t max_bytes);

}  // namespace ns
