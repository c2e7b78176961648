// POSTs to addresses of users, many at a time, on one thread that no slow answer holds up.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "fetch/address_rules.h"

namespace ns {

struct HttpPost {
  std::string url;
  std::string body;
  std::vector<std::string> headers;  // "Name: value"
};

// Thread-safe.
class HttpPoster {
 public:
  struct Options {
    AddressRules rules;
    std::string proxy;           // as FetchOptions::proxy
    double connect_seconds = 5;
    double total_seconds = 15;   // of one POST
  };
  explicit HttpPoster(const Options& options);
  // POSTs under way are broken off; their `done` is not called.
  ~HttpPoster();

  // `done` comes on the poster's thread: the HTTP status of the answer (redirects are answers; they are not followed), or why there is none:
  // as ParseAddress, PermissionDenied (PRIVATE_ADDRESS), Unavailable (POST_FAILED). It must not block.
  using Done = std::function<void(Result<int>)>;
  void Send(HttpPost post, Done done);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace ns
