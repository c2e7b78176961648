// Files sent to the service.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/status.h"
#include "client/api_client.h"
#include "tasks/uploads.h"

namespace ns {

struct UploadOptions {
  int tries = 5;                                            // after breaks, each from where the one before ended
  std::function<void(const std::string& line)> log;         // a line for people
};

// Sends a file, or a folder packed as a tar. A file that the service has already is not sent. Errors of reading, and as ApiClient.
Result<StoredFile> UploadPath(const ApiClient& client, const std::filesystem::path& path, const UploadOptions& options);

// The content of a file with this SHA-256 to `root` (a path with a slash at its end) and that digest. Of what has arrived of it nothing is sent again.
Status UploadContent(const ApiClient& client, const std::string& root, const std::filesystem::path& file, const std::string& sha256,
                     const UploadOptions& options);

}  // namespace ns
