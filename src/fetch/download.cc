#include "fetch/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/content_range.h"
#include "base/file.h"
#include "base/hash.h"
#include "fetch/address.h"
#include "fetch/curl_handle.h"
#include "fetch/http_headers.h"
#include "fetch/retry.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

constexpr double kToldEverySeconds = 0.25;
constexpr uint64_t kMaxDiscarded = 64 << 10;  // of the page that comes with an error or a redirect

// The part of a file that is there already, and which version of the file it is of.
struct Part {
  fs::path file, version_file;
  std::string url;
  FileVersion version;
  uint64_t size = 0;

  // Only a strong validator says that two answers are the same bytes.
  std::string Validator() const {
    return !version.etag.empty() && !version.etag.starts_with("W/") ? version.etag : version.last_modified;
  }
  void Load();
  Status Begin(int fd, const FileVersion& now);
};

// Three lines: the address's digest (it may hold a secret), the ETag, the time.
void Part::Load() {
  auto text = ReadFile(version_file, 16 << 10);
  std::string lines = text.ok() ? *text : "";
  size_t first = lines.find('\n'), second = first == std::string::npos ? first : lines.find('\n', first + 1);
  std::error_code error;
  uint64_t there = fs::file_size(file, error);
  if (error || second == std::string::npos || lines.substr(0, first) != Sha256Hex(url)) return;
  version = {lines.substr(first + 1, second - first - 1), lines.substr(second + 1)};
  size = Validator().empty() ? 0 : there;
}

Status Part::Begin(int fd, const FileVersion& now) {
  if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) < 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", file.string()));
  size = 0;
  version = now;
  return WriteFileAtomic(version_file, fmt::format("{}\n{}\n{}", Sha256Hex(url), version.etag, version.last_modified));
}

// One request and its answer.
class Exchange {
 public:
  Exchange(const std::string& url, const std::string& bearer, const FileVersion& known, int fd, Part& part, const FetchOptions& options,
           steady_clock::time_point deadline)
      : url_(url), bearer_(bearer), known_(known), fd_(fd), part_(part), options_(options), deadline_(deadline), guard_{options.rules, ""} {}

  // The HTTP status; 200 and 206 mean that the part is the whole file now.
  Result<int> Perform();
  const HttpHeaders& headers() const { return headers_; }
  const std::string& redirect() const { return redirect_; }
  FileVersion version() const { return {headers_.Get("etag"), headers_.Get("last-modified")}; }

 private:
  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    static_cast<Exchange*>(self)->headers_.Add(std::string_view(data, size));
    return size;
  }
  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    exchange->failure_ = exchange->Take(std::string_view(data, size));
    return exchange->failure_.ok() && exchange->discarded_ <= kMaxDiscarded ? size : 0;
  }
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<Exchange*>(self)->Tell(); }

  void Prepare(CURL* curl);
  Status Begin();
  Status Take(std::string_view bytes);
  int Tell();
  Status TooLarge(uint64_t size) const;

  const std::string& url_;
  const std::string bearer_;
  const FileVersion& known_;
  const int fd_;
  Part& part_;
  const FetchOptions& options_;
  const steady_clock::time_point deadline_;
  ConnectGuard guard_;
  Curl curl_{nullptr, curl_easy_cleanup};
  CurlHeaders sent_{nullptr, curl_slist_free_all};
  HttpHeaders headers_;
  std::string redirect_;
  Status failure_;
  bool begun_ = false;
  bool wanted_ = true;  // false: the body of an answer that is no file
  uint64_t discarded_ = 0;
  uint64_t total_ = 0;
  std::optional<uint64_t> whole_;  // what a partial answer says of the file's size
  steady_clock::time_point told_at_{};
};

void Exchange::Prepare(CURL* curl) {
  auto add = [this](const std::string& line) { sent_.reset(curl_slist_append(sent_.release(), line.c_str())); };
  add("Accept-Encoding: identity");
  if (!bearer_.empty()) add("Authorization: Bearer " + bearer_);
  for (const std::string& header : options_.headers) add(header);
  if (!options_.tls_pin.empty()) {
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, options_.tls_pin.c_str());
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (part_.size > 0) {
    add(fmt::format("Range: bytes={}-", part_.size));
    add("If-Range: " + part_.Validator());
  } else if (!known_.etag.empty()) {
    add("If-None-Match: " + known_.etag);
  } else if (!known_.last_modified.empty()) {
    add("If-Modified-Since: " + known_.last_modified);
  }
  double left = std::max(0.001, SecondsUntil(deadline_));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sent_.get());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left * 1000) + 1);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, options_.connect_seconds) * 1000) + 1);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options_.stall_bytes));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options_.stall_seconds)));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
}

Status Exchange::TooLarge(uint64_t size) const {
  return ResourceExhausted(fmt::format("{} is larger than the {} bytes allowed ({} and more); the service's --max_upload_bytes sets the limit",
                                       ShownAddress(url_), options_.max_bytes, size), "FILE_TOO_LARGE");
}

// The answer's head is there: goes on after the part, or afresh.
Status Exchange::Begin() {
  begun_ = true;
  long code = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
  wanted_ = code == 200 || code == 206;
  if (!wanted_) return OkStatus();
  curl_off_t length = -1;
  curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (code == 206) {
    auto range = ParseContentRange(headers_.Get("content-range"));
    if (!range || range->first != part_.size || part_.size == 0) {  // no part was asked for where none is there
      part_.version = {};  // cannot be relied on: the next try begins afresh
      part_.size = 0;
      return Unavailable(fmt::format("{} answered with another part than was asked for", ShownAddress(url_)), "FETCH_FAILED");
    }
    whole_ = range->total;
  } else {
    NS_RETURN_IF_ERROR(part_.Begin(fd_, version()));
  }
  if (length >= 0) total_ = part_.size + static_cast<uint64_t>(length);
  if (whole_) total_ = *whole_;
  return total_ > options_.max_bytes ? TooLarge(total_) : OkStatus();
}

Status Exchange::Take(std::string_view bytes) {
  if (!begun_) NS_RETURN_IF_ERROR(Begin());
  if (!wanted_) return discarded_ += bytes.size(), OkStatus();
  if (part_.size + bytes.size() > options_.max_bytes) return TooLarge(part_.size + bytes.size());
  NS_RETURN_IF_ERROR(WriteAll(fd_, bytes, part_.file));
  part_.size += bytes.size();
  return OkStatus();
}

int Exchange::Tell() {
  if (options_.stopped && options_.stopped()) return 1;
  if (options_.told && begun_ && wanted_ && -SecondsUntil(told_at_) > kToldEverySeconds) {
    told_at_ = steady_clock::now();
    options_.told(part_.size, total_);
  }
  return 0;
}

Result<int> Exchange::Perform() {
  curl_ = OpenCurl(url_, options_.proxy, &guard_);
  if (curl_ == nullptr) return ResourceExhausted("no memory for a transfer", "NO_MEMORY");
  Prepare(curl_.get());
  CURLcode code = curl_easy_perform(curl_.get());
  if (!failure_.ok()) return failure_;
  if (code == CURLE_OK && !begun_) NS_RETURN_IF_ERROR(Begin());  // a body of no bytes
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  bool unwanted = begun_ && !wanted_ && code == CURLE_WRITE_ERROR;
  if (code != CURLE_OK && !unwanted) return TransferFailure(code, url_, guard_, SecondsUntil(deadline_) <= 0.01, options_.total_seconds);
  char* next = nullptr;
  if (curl_easy_getinfo(curl_.get(), CURLINFO_REDIRECT_URL, &next) == CURLE_OK && next != nullptr) redirect_ = next;
  if (whole_ && part_.size != *whole_) {
    return Unavailable(fmt::format("{} gave {} of {} bytes", ShownAddress(url_), part_.size, *whole_), "FETCH_FAILED");
  }
  if (status == 200 || status == 206) {
    if (options_.told) options_.told(part_.size, part_.size);
  }
  return static_cast<int>(status);
}

Status StatusOfCode(int code, const std::string& url) {
  std::string shown = ShownAddress(url), reason = fmt::format("HTTP_{}", code);
  if (code == 404 || code == 410) return NotFound(fmt::format("{} is not there (HTTP {})", shown, code), reason);
  if (code == 401 || code == 403) {
    return Status(StatusCode::kPermissionDenied, fmt::format("{} may not be read by this service (HTTP {})", shown, code), reason);
  }
  if (code == 429) return Unavailable(fmt::format("{} answered with HTTP 429: too many requests", shown), "RATE_LIMITED");
  if (code >= 500 || code == 408 || code == 425 || code == 416) {
    return Unavailable(fmt::format("{} answered with HTTP {}", shown, code), "FETCH_FAILED");
  }
  return FailedPrecondition(fmt::format("{} answered with HTTP {}, which is no file", shown, code), reason);
}

// A fetch with its tries.
class Fetch {
 public:
  Fetch(const std::string& url, const FileVersion& known, const fs::path& path, const FetchOptions& options)
      : url_(url), known_(known), path_(path), options_(options),
        deadline_(steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(options.total_seconds * 1000))) {}

  Result<Fetched> Run();

 private:
  Result<Fetched> Try();
  Fetched Done(const Exchange& exchange, const std::string& from, bool not_modified) const;

  const std::string& url_;
  const FileVersion& known_;
  const fs::path& path_;
  const FetchOptions& options_;
  const steady_clock::time_point deadline_;
  FileDescriptor fd_;
  Part part_;
  double retry_after_ = 0;
};

Fetched Fetch::Done(const Exchange& exchange, const std::string& from, bool not_modified) const {
  Fetched fetched;
  fetched.not_modified = not_modified;
  fetched.version = exchange.version();
  fetched.size = part_.size;
  std::string named = DispositionName(exchange.headers().Get("content-disposition"));
  auto first = ParseAddress(url_, options_.rules), last = ParseAddress(from, options_.rules);
  std::string given = first.ok() ? first->path : "";
  bool has_suffix = given.find('.', given.rfind('/') + 1) != std::string::npos;  // as the user knows it
  fetched.name = SafeFileName(!named.empty() ? named : has_suffix || !last.ok() ? given : last->path);
  return fetched;
}

Result<Fetched> Fetch::Try() {
  std::string url = url_, origin;
  for (int hop = 0; hop <= options_.max_redirects; ++hop) {
    auto address = ParseAddress(url, options_.rules);
    if (!address.ok()) return hop == 0 ? address.status() : address.status().WithContext(fmt::format("{} was redirected", ShownAddress(url_)));
    url = address->url;
    if (hop == 0) origin = address->origin;
    std::string bearer = address->origin == origin ? options_.bearer : "";
    if (::lseek(fd_.get(), static_cast<off_t>(part_.size), SEEK_SET) < 0) return ErrnoStatus(errno, "cannot write a download");
    Exchange exchange(url, bearer, known_, fd_.get(), part_, options_, deadline_);
    NS_ASSIGN_OR_RETURN(int code, exchange.Perform());
    if (code == 200 || code == 206) return Done(exchange, url, false);
    bool known = !known_.etag.empty() || !known_.last_modified.empty();
    if (code == 304 && part_.size == 0 && known) return Done(exchange, url, true);
    if (code == 416) part_.size = 0;  // the file has become shorter
    retry_after_ = RetryAfterSeconds(exchange.headers().Get("retry-after"));
    bool redirected = code >= 300 && code < 400 && !exchange.redirect().empty();
    if (!redirected) return StatusOfCode(code, url);
    url = exchange.redirect();
  }
  return FailedPrecondition(fmt::format("{} was redirected more than {} times", ShownAddress(url_), options_.max_redirects), "TOO_MANY_REDIRECTS");
}

Result<Fetched> Fetch::Run() {
  part_.file = path_.string() + ".part";
  part_.version_file = part_.file.string() + ".version";
  part_.url = options_.identity.empty() ? url_ : options_.identity;
  part_.Load();
  fd_.reset(::open(part_.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd_.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", part_.file.string()));
  double wait = options_.first_wait_seconds;
  for (int attempt = 1;; ++attempt, wait *= 2) {
    uint64_t before = part_.size;
    auto fetched = Try();
    if (fetched.ok()) {
      std::error_code ignored;
      fs::remove(part_.version_file, ignored);
      if (fetched->not_modified) return fs::remove(part_.file, ignored), fetched;
      if (::rename(part_.file.c_str(), path_.c_str()) != 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path_.string()));
      return fetched;
    }
    if (part_.Validator().empty()) part_.size = 0;
    if (part_.size > before) attempt = 1, wait = options_.first_wait_seconds;  // it moves on
    double pause = std::max(retry_after_, Jittered(std::min(wait, kLongestWaitSeconds)));
    if (!MayPass(fetched.status()) || attempt >= options_.tries || SecondsUntil(deadline_) < pause) return fetched;
    if (options_.log) {
      std::string from = part_.size > 0 ? fmt::format(" after {} bytes", part_.size) : "";
      options_.log(fmt::format("{}{}; trying again in {:.1f} s", fetched.status().message(), from, pause));
    }
    NS_RETURN_IF_ERROR(WaitBeforeTry(pause, options_.stopped));
  }
}

}  // namespace

bool MayPass(const Status& status) { return status.reason() == "FETCH_FAILED" || status.reason() == "RATE_LIMITED"; }

Result<Fetched> Download(const std::string& url, const FileVersion& known, const fs::path& path, const FetchOptions& options) {
  return Fetch(url, known, path, options).Run();
}

}  // namespace ns
