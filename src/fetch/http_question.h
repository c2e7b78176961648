// A short question to a server: what it says of a file (HEAD), or a small answer that is read whole (GET).
#pragma once

#include <string>

#include "base/status.h"
#include "fetch/download.h"
#include "fetch/http_headers.h"

namespace ns {

struct WebAnswer {
  int code = 0;
  HttpHeaders headers;
  std::string body;
  std::string url;  // that answered: redirects within the same server are followed
};

enum class HttpMethod { kGet, kHead };

// Any answer is given, whatever its code, but for those that may pass (408, 425, 5xx, 429), which are asked again first, as Download does, and then are
// Unavailable (FETCH_FAILED; RATE_LIMITED for 429). A redirect to another server is an answer too. Of `options` all but `told` count: `max_bytes`
// is of the body (ResourceExhausted, FILE_TOO_LARGE), `bearer` goes to the address's own server. Other errors as Download.
Result<WebAnswer> AskHttp(HttpMethod method, const std::string& url, const FetchOptions& options);

}  // namespace ns
