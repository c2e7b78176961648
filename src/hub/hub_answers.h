// The hub's answers read. Private to hub/.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "fetch/http_question.h"
#include "tasks/hub_name.h"

namespace ns {

struct HubListing {
  std::string commit;
  std::vector<std::string> files;
};

// FailedPrecondition (HUB_ANSWER).
Result<HubListing> ParseHubListing(const std::string& json, const std::string& from);

struct HubFile {
  std::string path;
  std::string blob;
  uint64_t size = 0;  // 0: not told
};

// What an answer to HEAD .../resolve/... says of the file. FailedPrecondition (HUB_ANSWER).
Result<HubFile> ReadHubFile(const std::string& path, const WebAnswer& answer);

// Why the hub gave no answer but `answer`. `has_token`: one was sent.
Status HubError(const HubName& name, const std::string& endpoint, const WebAnswer& answer, bool has_token);

}  // namespace ns
