#include "fetch/http_poster.h"

#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "fetch/address.h"
#include "fetch/curl_handle.h"

namespace ns {

namespace {

constexpr int kIdleMs = 60'000;
constexpr uint64_t kMaxAnswerBytes = 64 << 10;  // more of it is not read

}  // namespace

class HttpPoster::Loop {
 public:
  explicit Loop(const Options& options) : options_(options), multi_(curl_multi_init()), thread_([this] { Run(); }) {}
  ~Loop() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    for (Transfer& transfer : running_) curl_multi_remove_handle(multi_, transfer.curl.get());
    running_.clear();
    curl_multi_cleanup(multi_);
  }

  void Send(HttpPost post, Done done) {
    {
      std::lock_guard lock(mutex_);
      waiting_.emplace_back(std::move(post), std::move(done));
    }
    curl_multi_wakeup(multi_);
  }

 private:
  struct Transfer {
    HttpPost post;
    Done done;
    ConnectGuard guard;
    CurlHeaders headers{nullptr, curl_slist_free_all};
    Curl curl{nullptr, curl_easy_cleanup};
    uint64_t read = 0;
  };

  static size_t OnBody(char*, size_t, size_t size, void* transfer) {
    auto& read = static_cast<Transfer*>(transfer)->read;
    read += size;
    return read <= kMaxAnswerBytes ? size : 0;
  }

  void Run();
  bool TakeWaiting();
  void Start(HttpPost post, Done done);
  void Ended(CURL* curl, CURLcode code);

  const Options options_;
  CURLM* const multi_;
  std::mutex mutex_;  // over the next two
  std::vector<std::pair<HttpPost, Done>> waiting_;
  bool stop_ = false;
  std::list<Transfer> running_;  // of the thread
  std::thread thread_;
};

void HttpPoster::Loop::Run() {
  while (TakeWaiting()) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) Ended(message->easy_handle, message->data.result);
    }
    curl_multi_poll(multi_, nullptr, 0, kIdleMs, nullptr);
  }
}

bool HttpPoster::Loop::TakeWaiting() {
  std::vector<std::pair<HttpPost, Done>> batch;
  {
    std::lock_guard lock(mutex_);
    if (stop_) return false;
    batch.swap(waiting_);
  }
  for (auto& [post, done] : batch) Start(std::move(post), std::move(done));
  return true;
}

void HttpPoster::Loop::Start(HttpPost post, Done done) {
  auto address = ParseAddress(post.url, options_.rules);
  if (!address.ok()) return done(address.status());
  Transfer& transfer = running_.emplace_back();
  transfer.post = std::move(post);
  transfer.done = std::move(done);
  transfer.guard.rules = options_.rules;
  transfer.curl = OpenCurl(address->url, options_.proxy, &transfer.guard);
  CURL* curl = transfer.curl.get();
  if (curl == nullptr) {
    Done told = std::move(transfer.done);
    running_.pop_back();
    return told(ResourceExhausted("no memory for a transfer", "NO_MEMORY"));
  }
  for (const std::string& header : transfer.post.headers) transfer.headers.reset(curl_slist_append(transfer.headers.release(), header.c_str()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.post.body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer.post.body.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_seconds * 1000));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.total_seconds * 1000));
  curl_multi_add_handle(multi_, curl);
}

void HttpPoster::Loop::Ended(CURL* curl, CURLcode code) {
  auto at = running_.begin();
  while (at->curl.get() != curl) ++at;
  std::string shown = ShownAddress(at->post.url);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  Result<int> result = static_cast<int>(status);
  if (!at->guard.refused.empty() && status == 0) {
    result = Status(StatusCode::kPermissionDenied, fmt::format("{} leads to {}, which is not a public address; the service's --allow_addresses can "
                                                               "allow it", shown, at->guard.refused), "PRIVATE_ADDRESS");
  } else if (status == 0) {  // an answer of which the end is missing is an answer
    result = Unavailable(fmt::format("{}: {}", shown, curl_easy_strerror(code)), "POST_FAILED");
  }
  Done done = std::move(at->done);
  curl_multi_remove_handle(multi_, curl);
  running_.erase(at);
  done(std::move(result));
}

HttpPoster::HttpPoster(const Options& options) : loop_(std::make_unique<Loop>(options)) {}
HttpPoster::~HttpPoster() = default;
void HttpPoster::Send(HttpPost post, Done done) { loop_->Send(std::move(post), std::move(done)); }

}  // namespace ns
