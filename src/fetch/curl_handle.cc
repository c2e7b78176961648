#include "fetch/curl_handle.h"

#include <sys/socket.h>

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

}  // namespace ns
