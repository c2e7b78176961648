// A model of the Hugging Face hub, brought into its cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "fetch/download.h"
#include "hub/hub_settings.h"
#include "tasks/hub_name.h"

namespace ns {

struct HubModel {
  std::filesystem::path folder;     // the snapshot: links into the cache
  std::string commit;
  std::vector<std::string> files;   // that the model needs, of the folder (NeededFiles)
  uint64_t fetched_bytes = 0;       // 0: all was in the cache
  FileDescriptor in_use;            // while it is there, TrimHubCache() leaves the model alone
};

// Asks the hub what the revision is and brings what the cache does not have of it; a broken transfer goes on where it broke, also in a later call. The
// content of large files is checked against the digest that the hub tells. When the hub does not answer, or `settings` say offline, the cache's copy
// is taken if it is whole. `options.bearer` is not used: the token of `settings` is, and it is sent to the endpoint's own server only; `max_bytes` is of all
// files together; `told` counts them together.
// Errors, but for those of AskHttp and Download: NotFound (HUB_NOT_FOUND, HUB_REVISION_NOT_FOUND, NO_MODEL_FILES), PermissionDenied (HUB_UNAUTHORIZED,
// HUB_GATED, HUB_FORBIDDEN), FailedPrecondition (HUB_OFFLINE: offline and not in the cache; HUB_ANSWER: an answer that is not the hub's),
// ResourceExhausted (FILE_TOO_LARGE), Unavailable (FETCH_FAILED: also content that is not what its digest says).
Result<HubModel> FetchHubModel(const HubName& name, const HubSettings& settings, const FetchOptions& options);

// The files of `model` in `folder`, which is made, without links. Errors as PlaceFile.
Status PlaceHubModel(const HubModel& model, const std::filesystem::path& folder);

}  // namespace ns
