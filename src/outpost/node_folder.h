// A node's folder: what tasks have there while they run, and what is kept for others.
//
//   tasks/<id>/   a task's, for as long as one of its outposts runs (each holds its `use.lock`); what a killed one left the next one removes
//   files/        NodeStore's
//   fetch/        DownloadCache's, environments/ of scripts
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/status.h"

namespace ns {

class NodeFolder {
 public:
  // Makes the task's folder in `root`, for this outpost among others. PermissionDenied (NOT_OURS) when `root` is another user's or can be written to by others.
  static Result<NodeFolder> Enter(const std::filesystem::path& root, const std::string& task);
  NodeFolder(NodeFolder&&) = default;
  // The last one to leave removes it.
  ~NodeFolder();

  const std::filesystem::path& task() const { return task_; }
  // What several outposts of a task put there, one of them at a time. Cancelled.
  Result<FileDescriptor> LockGiven(const std::function<bool()>& stopped) const;

 private:
  NodeFolder(std::filesystem::path root, std::filesystem::path task, FileDescriptor use) : root_(std::move(root)), task_(std::move(task)), use_(std::move(use)) {}

  std::filesystem::path root_, task_;
  FileDescriptor use_;
};

}  // namespace ns
