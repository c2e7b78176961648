// One file from an address, by libcurl: limits on size, time, stalls and redirects; a broken transfer goes on where it broke.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "fetch/address_rules.h"

namespace ns {

struct FetchOptions {
  uint64_t max_bytes = uint64_t{16} << 30;
  int max_redirects = 5;
  double connect_seconds = 15;
  double total_seconds = 4 * 3600;  // over all tries
  double stall_seconds = 60;        // less than stall_bytes a second for so long: the try is given up
  int64_t stall_bytes = 1000;
  int tries = 5;                    // with exponential waits between them, after faults that may pass
  double first_wait_seconds = 1;
  AddressRules rules;
  // "http://proxy:3128": all goes through it, and it resolves the names, so that `rules` judge only the literal addresses in requests.
  // Empty: connections are direct. The environment's proxies are never used.
  std::string proxy;
  std::string bearer;               // a token for the address's own server; where a redirect leads elsewhere it is not sent
  std::vector<std::string> headers = {};  // "Name: value", sent with each request, also where one is redirected to
  std::string tls_pin = {};               // of a server that is known by its key ("sha256//..."): who signed its certificate does not matter
  std::string identity = {};              // what the file is, whatever its address: a part is completed from another address of the same; "": the address
  std::function<bool()> stopped;                            // asked now and then; true ends the fetch with Cancelled
  std::function<void(uint64_t done, uint64_t total)> told;  // progress, a few times a second; total 0: unknown
  std::function<void(const std::string& line)> log;         // a line for people
};

// What a server said of a file, to ask again only for what is new. Empty: unknown.
struct FileVersion {
  std::string etag;
  std::string last_modified;
};

struct Fetched {
  bool not_modified = false;  // the file is as `known` says; nothing was written
  FileVersion version;
  uint64_t size = 0;
  std::string name;           // what the server calls it, or the end of its address; safe (SafeFileName)
};

// Writes the file to `path`, by way of `path`.part and `path`.part.version. A part that a broken fetch of the same address left is completed if
// the server still has the same version. Not durable: the caller syncs. One call a `path` at a time.
// Errors: as ParseAddress, also for redirects; PermissionDenied (PRIVATE_ADDRESS) when a name leads to one; NotFound (HTTP_404, HTTP_410);
// PermissionDenied (HTTP_401, HTTP_403); FailedPrecondition (HTTP_<code>, TOO_MANY_REDIRECTS, BAD_CERTIFICATE); ResourceExhausted
// (FILE_TOO_LARGE, DISK_FULL); and, when trying again later may help, Unavailable (FETCH_FAILED, RATE_LIMITED) and DeadlineExceeded
// (FETCH_TIMEOUT).
Result<Fetched> Download(const std::string& url, const FileVersion& known, const std::filesystem::path& path, const FetchOptions& options);

// True for the failures that may pass by themselves.
bool MayPass(const Status& status);

}  // namespace ns
