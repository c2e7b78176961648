// The folder a service works in.
//   db/task.db, db/tokens.json, serve_log/*.log, task_log/task_<id>.txt, task_workspace/<id>/, uploads/, cache/fetch/, cache/hub/, cache/tuning/,
//   cache/arrivals/, environments/,
//   serve.json (where it answers), serve.lock (held while it runs)
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"

namespace ns {

class Workspace {
 public:
  // Makes the folders that are not there. `root` becomes absolute.
  static Result<Workspace> Create(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path store_file() const { return root_ / "db" / "task.db"; }
  std::filesystem::path tokens_file() const { return root_ / "db" / "tokens.json"; }
  std::filesystem::path audit_log() const { return root_ / "serve_log" / "audit.log"; }
  std::filesystem::path log_folder() const { return root_ / "task_log"; }
  std::filesystem::path task_log(const std::string& id) const { return log_folder() / ("task_" + id + ".txt"); }
  std::filesystem::path task_folder(const std::string& id) const { return root_ / "task_workspace" / id; }
  // What tuning found out for the tasks of `owner`: nobody else's tasks read it, so that nobody's can be led astray by it.
  std::filesystem::path tuning_cache(const std::string& owner) const { return root_ / "cache" / "tuning" / Sha256Hex(owner).substr(0, 32); }
  std::filesystem::path uploads() const { return root_ / "uploads"; }           // FileStore's
  std::filesystem::path fetch_cache() const { return root_ / "cache" / "fetch"; }  // DownloadCache's
  std::filesystem::path hub_cache() const { return root_ / "cache" / "hub"; }      // HubCache's, unless the environment names another
  std::filesystem::path arrivals() const { return root_ / "cache" / "arrivals"; }   // OutpostDesk's
  std::filesystem::path environments() const { return root_ / "environments"; }    // EnvironmentCache's
  std::filesystem::path result_folder(const std::string& id) const { return task_folder(id) / "result"; }

  // Takes the workspace for this process, until the descriptor goes. AlreadyExists (ALREADY_RUNNING) when another one has it.
  Result<FileDescriptor> Lock() const;

 private:
  explicit Workspace(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path root_;
};

}  // namespace ns
