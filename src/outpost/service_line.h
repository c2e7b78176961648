// An outpost's calls to the service: service/outpost_desk.h says what each means.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/api_client.h"
#include "tasks/outpost_files.h"

namespace ns {

// Thread-compatible. Each call fails with Unavailable while the service does not answer (NO_SERVICE) or cannot yet (NOT_YET), and may be made again then;
// FailedPrecondition (GIVEN_UP) when this start of the worker counts no more; NotFound; ResourceExhausted; Internal.
class ServiceLine {
 public:
  struct Options {
    std::vector<std::string> urls;  // of the same service: the one that answered last is asked first
    std::string tls_pin;            // "": http
    WorkerId worker;
    std::string token, session;
  };
  explicit ServiceLine(Options options);

  Result<OutpostOrder> Begin();
  // To `to`, by way of a part that is completed the next time.
  Status Fetch(const OutpostFile& file, const std::filesystem::path& to, const std::function<bool()>& stopped);
  Result<uint64_t> SendLog(uint64_t from, std::string_view bytes);
  Result<uint64_t> SendEvents(std::string_view lines);
  Status SendEntry(const std::string& name, const std::string& content);
  Result<OutpostBeat> SendBeat(const OutpostBeat& beat);
  // All files of `folder` that are files, complete.
  Status SendFolder(const std::string& name, const std::filesystem::path& folder);
  Status SendEnd(const std::string& exit_status);

 private:
  Result<std::string> Post(const std::string& call, const std::string& body);
  // Asks one address after another.
  Status Ask(const std::function<Status(const ApiClient& client, const std::string& url)>& ask);

  const Options options_;
  const std::vector<std::string> headers_;
  size_t current_ = 0;
};

}  // namespace ns
