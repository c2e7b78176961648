// What the service does for workers on nodes that do not see its workspace: their outposts (outpost/) get the task's files here and bring what the
// workers write, into the same files in the workspace that such a worker would have written itself. So nothing else of the service knows of them, and a
// service that starts again goes on where the last one ended: all that is known is in these files.
//
// Who calls shows the token of the task, which opens nothing but this task, and is heard only as the start of the worker that is current: neither
// one that was given up, nor one that has ended, nor the earlier of two processes of the same start.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "service/file_store.h"
#include "service/outpost_inputs.h"
#include "service/workspace.h"
#include "tasks/outpost_files.h"

namespace ns {

struct OutpostCaller {
  WorkerId worker;
  std::string token;
  std::string session;  // of this process: 32 hex digits of its own choice
};

// Thread-safe. All calls: Unauthenticated (BAD_TOKEN), also for a task that is not there; FailedPrecondition (GIVEN_UP): another start of the worker is
// the current one, or another process of the same; FailedPrecondition (ENDED): it has told its end.
class OutpostDesk {
 public:
  struct Options {
    uint64_t max_file_bytes = uint64_t{64} << 30;  // of a file of a result
  };
  static Result<std::unique_ptr<OutpostDesk>> Open(const Options& options, const Workspace& workspace, const Clock& clock);

  // This process is the worker's outpost from now on. Errors of GatherInputs().
  Result<OutpostOrder> Begin(const OutpostCaller& caller);
  // The file with this content, of those that Begin() told of. NotFound (UNKNOWN_FILE).
  Result<std::filesystem::path> File(const OutpostCaller& caller, const std::string& sha256);

  // A piece of the worker's output, which begins at byte `from` of it: where the next one begins. What was there already is left out.
  Result<uint64_t> TakeLog(const OutpostCaller& caller, uint64_t from, std::string_view bytes);
  // Whole lines of a lead's events.jsonl: the last number that is there now. Events up to that number are left out.
  Result<uint64_t> TakeEvents(const OutpostCaller& caller, std::string_view lines);
  // An entry of a lead's tuning cache; durable when it returns. InvalidArgument (BAD_ENTRY).
  Status TakeCacheEntry(const OutpostCaller& caller, const std::string& name, std::string_view content);
  // A sign of life; the answer has the lead's address.
  Result<OutpostBeat> TakeBeat(const OutpostCaller& caller, const OutpostBeat& beat);

  // Files of a lead's that are many or large go by their content first, each by an upload, then by their names. Errors as of FileStore.
  Result<std::unique_ptr<Upload>> BeginUpload(const OutpostCaller& caller, UploadRequest request);
  Result<PartialFile> Part(const OutpostCaller& caller, const std::string& sha256);
  Result<StoredFile> Stored(const OutpostCaller& caller, const std::string& sha256);
  // result or inputs, complete: replaces the folder of this name. NotFound (UNKNOWN_FILE) for one whose content is not there; InvalidArgument (BAD_TARGET).
  Status TakeFolder(const OutpostCaller& caller, const std::string& name, const std::vector<OutpostFile>& files);
  // Its exit_status, the last that is heard of it. InvalidArgument (BAD_PROCESS_FILE).
  Status TakeEnd(const OutpostCaller& caller, std::string_view exit_status);

 private:
  OutpostDesk(const Workspace& workspace, std::unique_ptr<FileStore> files) : workspace_(workspace), files_(std::move(files)) {}
  Result<std::filesystem::path> FolderOf(const OutpostCaller& caller) const;
  Result<std::filesystem::path> Check(const OutpostCaller& caller) const;
  Result<std::filesystem::path> CheckLead(const OutpostCaller& caller) const;
  std::mutex& MutexOf(const std::string& task) { return mutexes_[std::hash<std::string>()(task) % std::size(mutexes_)]; }

  const Workspace& workspace_;
  const std::unique_ptr<FileStore> files_;  // what is on its way; nothing of it stays
  FileDigests digests_;
  std::mutex mutexes_[16];  // a task's writes come one after another
  std::mutex given_mutex_;  // over the next
  std::map<WorkerId, std::map<std::string, std::filesystem::path>> given_;  // by digest: what Begin() told of
};

}  // namespace ns
