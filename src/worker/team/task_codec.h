// Items and their outcomes on their way between the lead and an assistant.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "worker/team/team_task.h"

namespace ns {

// Contents by their SHA-256. Thread-safe.
class BlobStore {
 public:
  std::string Add(std::string content);
  std::optional<std::string> Get(const std::string& digest) const;
  // The digest of what was made into bytes once for as long as the store lives.
  std::string Add(const KnowledgePtr& knowledge);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
  std::map<KnowledgePtr, std::string> digests_;
};

// "trial", "baseline" or "calibration".
std::string KindOf(const TeamTask& task);
// `stopper`: the digest of the early stopper's parts; empty: not known yet.
// `killed`: so many workers were killed for their memory with it.
std::string TaskToText(const TeamTask& task, const std::string& stopper, BlobStore* blobs, int killed = 0);

struct ReceivedTask {
  TeamTask task;
  std::string stopper;
  int killed = 0;
};
// `fetch` gives the content behind a digest. Its errors; InvalidArgument (BAD_ITEM).
Result<ReceivedTask> TaskFromText(std::string_view text, const std::function<Result<KnowledgePtr>(const std::string& digest)>& fetch);
// InvalidArgument (BAD_ITEM).
Result<Knowledge> KnowledgeFromBytes(std::string_view bytes);

std::string OutcomeToBytes(const Result<TeamOutcome>& outcome);
// Of this task. The status that was sent; Internal (BAD_RESULT).
Result<TeamOutcome> OutcomeFromBytes(std::string_view bytes, const TeamTask& task);

}  // namespace ns
