#include "fetch/curl_handle.h"

#include <sys/socket.h>

#include "fetch/address.h"

namespace ns {

namespace {

curl_socket_t OpenSocket(void* guard_pointer, curlsocktype, curl_sockaddr* address) {
  auto* guard = static_cast<ConnectGuard*>(guard_pointer);
  if (!IsAllowed(guard->rules, &address->addr)) {
    guard->refused = AddressText(&address->addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

Curl OpenCurl(const std::string& url, const std::string& proxy, ConnectGuard* guard) {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)initialized;
  Curl curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return curl;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, proxy.c_str());  // "" also keeps it from looking into the environment
  curl_easy_setopt(curl.get(), CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "neural_solution");
  if (proxy.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETDATA, guard);
  }
  return curl;
}

Status TransferFailure(CURLcode code, const std::string& url, const ConnectGuard& guard, bool out_of_time, double seconds_allowed) {
  std::string shown = ShownAddress(url);
  if (!guard.refused.empty() && (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT)) {
    return Status(StatusCode::kPermissionDenied,
                  fmt::format("{} leads to {}, which is not a public address; the service's --allow_addresses can allow it", shown, guard.refused),
                  "PRIVATE_ADDRESS");
  }
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK: return Cancelled();
    case CURLE_OPERATION_TIMEDOUT:
      if (out_of_time) {  // the library counts whole milliseconds, and may be early by them
        return Status(StatusCode::kDeadlineExceeded, fmt::format("{} took longer than the {:.0f} s allowed", shown, seconds_allowed), "FETCH_TIMEOUT");
      }
      return Unavailable(fmt::format("{} stopped answering", shown), "FETCH_FAILED");
    case CURLE_PEER_FAILED_VERIFICATION:
      return FailedPrecondition(fmt::format("{}: its certificate is not one that this machine trusts", shown), "BAD_CERTIFICATE");
    case CURLE_PARTIAL_FILE: return Unavailable(fmt::format("{} broke off", shown), "FETCH_FAILED");
    default: return Unavailable(fmt::format("{}: {}", shown, curl_easy_strerror(code)), "FETCH_FAILED");
  }
}

}  // namespace ns
