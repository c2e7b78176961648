#include "fetch/http_question.h"

#include <algorithm>

#include "fetch/address.h"
#include "fetch/curl_handle.h"
#include "fetch/retry.h"

namespace ns {

namespace {

using std::chrono::steady_clock;

class Question {
 public:
  Question(HttpMethod method, const std::string& url, const FetchOptions& options)
      : method_(method), url_(url), options_(options),
        deadline_(steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(options.total_seconds * 1000))) {}

  Result<WebAnswer> Ask();

 private:
  struct Exchange {
    const FetchOptions& options;
    WebAnswer answer;
    bool too_large = false;
  };
  static size_t OnHeader(char* data, size_t, size_t size, void* exchange) {
    static_cast<Exchange*>(exchange)->answer.headers.Add(std::string_view(data, size));
    return size;
  }
  static size_t OnBody(char* data, size_t, size_t size, void* pointer) {
    auto* exchange = static_cast<Exchange*>(pointer);
    exchange->too_large = exchange->answer.body.size() + size > exchange->options.max_bytes;
    if (exchange->too_large) return 0;
    exchange->answer.body.append(data, size);
    return size;
  }
  static int OnProgress(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const FetchOptions& options = static_cast<Exchange*>(pointer)->options;
    return options.stopped && options.stopped() ? 1 : 0;
  }

  // With the redirects that stay on the server.
  Result<WebAnswer> Try();
  Result<WebAnswer> Send(const std::string& url, std::string* redirect);
  void Prepare(CURL* curl, curl_slist* headers, Exchange* exchange) const;
  Status CheckCode(const WebAnswer& answer) const;

  const HttpMethod method_;
  const std::string& url_;
  const FetchOptions& options_;
  const steady_clock::time_point deadline_;
  double retry_after_ = 0;
};

void Question::Prepare(CURL* curl, curl_slist* headers, Exchange* exchange) const {
  double left = std::max(0.001, SecondsUntil(deadline_));
  curl_easy_setopt(curl, CURLOPT_NOBODY, method_ == HttpMethod::kHead ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::min(left, options_.stall_seconds) * 1000) + 1);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, options_.connect_seconds) * 1000) + 1);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
}

Result<WebAnswer> Question::Send(const std::string& url, std::string* redirect) {
  ConnectGuard guard{options_.rules, ""};
  Curl curl = OpenCurl(url, options_.proxy, &guard);
  if (curl == nullptr) return ResourceExhausted("no memory for a transfer", "NO_MEMORY");
  CurlHeaders headers(curl_slist_append(nullptr, "Accept-Encoding: identity"), curl_slist_free_all);
  if (!options_.bearer.empty()) headers.reset(curl_slist_append(headers.release(), ("Authorization: Bearer " + options_.bearer).c_str()));
  Exchange exchange{options_, {}, false};
  Prepare(curl.get(), headers.get(), &exchange);
  CURLcode code = curl_easy_perform(curl.get());
  if (exchange.too_large) {
    return ResourceExhausted(fmt::format("{} answered with more than {} bytes", ShownAddress(url), options_.max_bytes), "FILE_TOO_LARGE");
  }
  if (code != CURLE_OK) return TransferFailure(code, url, guard, SecondsUntil(deadline_) <= 0.01, options_.total_seconds);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  char* next = nullptr;
  if (curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &next) == CURLE_OK && next != nullptr) *redirect = next;
  exchange.answer.code = static_cast<int>(status);
  exchange.answer.url = url;
  return std::move(exchange.answer);
}

Status Question::CheckCode(const WebAnswer& answer) const {
  std::string what = fmt::format("{} answered with HTTP {}", ShownAddress(answer.url), answer.code);
  if (answer.code == 429) return Unavailable(what + ": too many requests", "RATE_LIMITED");
  if (answer.code >= 500 || answer.code == 408 || answer.code == 425) return Unavailable(what, "FETCH_FAILED");
  return OkStatus();
}

Result<WebAnswer> Question::Try() {
  NS_ASSIGN_OR_RETURN(Address address, ParseAddress(url_, options_.rules));
  const std::string origin = address.origin;
  for (int hop = 0; hop <= options_.max_redirects; ++hop) {
    std::string redirect;
    NS_ASSIGN_OR_RETURN(WebAnswer answer, Send(address.url, &redirect));
    retry_after_ = RetryAfterSeconds(answer.headers.Get("retry-after"));
    NS_RETURN_IF_ERROR(CheckCode(answer));
    bool redirected = answer.code >= 300 && answer.code < 400 && !redirect.empty();
    if (!redirected) return answer;
    auto next = ParseAddress(redirect, options_.rules);
    if (!next.ok()) return next.status().WithContext(fmt::format("{} was redirected", ShownAddress(url_)));
    if (next->origin != origin) return answer;
    address = std::move(*next);
  }
  return FailedPrecondition(fmt::format("{} was redirected more than {} times", ShownAddress(url_), options_.max_redirects), "TOO_MANY_REDIRECTS");
}

Result<WebAnswer> Question::Ask() {
  double wait = options_.first_wait_seconds;
  for (int attempt = 1;; ++attempt, wait *= 2) {
    retry_after_ = 0;
    auto answer = Try();
    double pause = std::max(retry_after_, Jittered(std::min(wait, kLongestWaitSeconds)));
    if (answer.ok() || !MayPass(answer.status()) || attempt >= options_.tries || SecondsUntil(deadline_) < pause) return answer;
    if (options_.log) options_.log(fmt::format("{}; trying again in {:.1f} s", answer.status().message(), pause));
    NS_RETURN_IF_ERROR(WaitBeforeTry(pause, options_.stopped));
  }
}

}  // namespace

Result<WebAnswer> AskHttp(HttpMethod method, const std::string& url, const FetchOptions& options) { return Question(method, url, options).Ask(); }

}  // namespace ns
