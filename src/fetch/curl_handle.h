// What every use of libcurl here shares. Private to fetch/.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "base/status.h"
#include "fetch/address_rules.h"

namespace ns {

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using CurlHeaders = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// Judges each address before a socket is opened to it. Outlives the handle that it is set on.
struct ConnectGuard {
  AddressRules rules;
  std::string refused;  // the last address that was
};

// A handle for http and https that follows no redirect, uses no proxy but `proxy`, never decodes bodies, and connects only where `guard`
// allows (through a proxy: anywhere). None: no memory.
Curl OpenCurl(const std::string& url, const std::string& proxy, ConnectGuard* guard);

// What a transfer's failure means: PermissionDenied (PRIVATE_ADDRESS), Cancelled (by the progress callback), DeadlineExceeded (FETCH_TIMEOUT, when
// `out_of_time`), FailedPrecondition (BAD_CERTIFICATE), else Unavailable (FETCH_FAILED).
Status TransferFailure(CURLcode code, const std::string& url, const ConnectGuard& guard, bool out_of_time, double seconds_allowed);

}  // namespace ns
