#include "api/rest/origin.h"

#include <arpa/inet.h>
#include <strings.h>

namespace ns {

bool IsSameOrigin(const Request& request) {
  const std::string& origin = request.Header("origin");
  if (origin.empty()) return true;
  bool reads = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  if (reads && request.Header("upgrade").empty()) return true;  // the browser does not show the answer to a page of another site
  size_t scheme = origin.find("://");
  std::string host = scheme == std::string::npos ? origin : origin.substr(scheme + 3);
  return ::strcasecmp(host.c_str(), request.Header("host").c_str()) == 0;
}

bool IsOwnHost(const Request& request, std::string_view own_name) {
  std::string host = request.Header("host");
  if (host.starts_with('[')) return true;  // an IPv6 address
  host = host.substr(0, host.find(':'));
  in_addr address;
  return host.empty() || ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::strcasecmp(host.c_str(), "localhost") == 0 ||
         ::strcasecmp(host.c_str(), std::string(own_name).c_str()) == 0;
}

}  // namespace ns
