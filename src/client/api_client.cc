#include "client/api_client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/file.h"
#include "tasks/cluster.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

constexpr long kConnectSeconds = 5;
constexpr long kRequestSeconds = 60;

size_t AppendToString(char* data, size_t, size_t size, void* out) {
  static_cast<std::string*>(out)->append(data, size);
  return size;
}

// A streamed answer goes to `take`, the body of a refusal is kept.
struct StreamTarget {
  CURL* curl;
  const std::function<void(std::string_view)>& take;
  std::string refusal;
};

size_t TakePiece(char* data, size_t, size_t size, void* out) {
  auto* target = static_cast<StreamTarget*>(out);
  long status = 0;
  curl_easy_getinfo(target->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) {
    target->take(std::string_view(data, size));
  } else if (target->refusal.size() < (64 << 10)) {
    target->refusal.append(data, size);
  }
  return size;
}

size_t AppendToFile(char* data, size_t, size_t size, void* out) {
  return WriteAll(*static_cast<int*>(out), std::string_view(data, size), "download").ok() ? size : 0;
}

void KnowServer(CURL* curl, const std::string& tls_pin) {
  if (!tls_pin.empty()) {  // the key is the service's own: who signed its certificate, and for which name, adds nothing
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, tls_pin.c_str());
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  } else if (const char* file = std::getenv("NEURAL_SOLUTION_CA"); file != nullptr && *file != '\0') {
    curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  }
}

Curl Open(const std::string& url, const std::string& tls_pin) {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)initialized;
  Curl curl(curl_easy_init(), curl_easy_cleanup);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  if (const char* token = std::getenv("NEURAL_SOLUTION_TOKEN"); token != nullptr && *token != '\0') {
    curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl.get(), CURLOPT_XOAUTH2_BEARER, token);
  }
  KnowServer(curl.get(), tls_pin);
  return curl;
}

// The headers of a call; to be kept until it has ended.
Headers SayWho(CURL* curl, const std::vector<std::string>& who, const std::string& more = "") {
  Headers headers(nullptr, curl_slist_free_all);
  for (const std::string& header : who) headers.reset(curl_slist_append(headers.release(), header.c_str()));
  if (!more.empty()) headers.reset(curl_slist_append(headers.release(), more.c_str()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  if (who.empty()) return headers;
  curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  return headers;
}

Result<int> Perform(CURL* curl, const std::string& base_url) {
  CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
    return Unavailable(fmt::format("no service answers at {}; start one with 'neural_solution start'", base_url), "NO_SERVICE");
  }
  if (code != CURLE_OK) return Unavailable(fmt::format("{}: {}", base_url, curl_easy_strerror(code)), "NO_SERVICE");
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

size_t ReadFromFile(char* data, size_t, size_t size, void* in) {
  ssize_t got = ::read(*static_cast<int*>(in), data, size);
  return got < 0 ? CURL_READFUNC_ABORT : static_cast<size_t>(got);
}

}  // namespace

Status ApiClient::Refused(const HttpAnswer& answer) {
  std::string text = ErrorText(answer.body);
  if (text == "Invalid task id") text = "this is no task's id: 32 hex digits, as 'neural_solution list' shows them";
  switch (answer.status) {
    case 400:
    case 422: return InvalidArgument(text, "REFUSED");
    case 404: return NotFound(text, "UNKNOWN_TASK");
    case 409: return FailedPrecondition(text, "REFUSED");
    case 503: return Unavailable(text, "REFUSED");
    case 413: return ResourceExhausted(text, "FILE_TOO_LARGE");
    case 507: return ResourceExhausted(text, "DISK_FULL");
    default: return Internal(fmt::format("the service answered {}: {}", answer.status, text), "REFUSED");
  }
}

Result<HttpAnswer> ApiClient::Get(const std::string& path) const {
  Curl curl = Open(base_url_ + path, tls_pin_);
  Headers headers = SayWho(curl.get(), headers_);
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kRequestSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendToString);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  NS_ASSIGN_OR_RETURN(answer.status, Perform(curl.get(), base_url_));
  return answer;
}

Result<HttpAnswer> ApiClient::Post(const std::string& path, const std::string& json) const {
  Curl curl = Open(base_url_ + path, tls_pin_);
  Headers headers = SayWho(curl.get(), headers_, "Content-Type: application/json");
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kRequestSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, json.data());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendToString);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  NS_ASSIGN_OR_RETURN(answer.status, Perform(curl.get(), base_url_));
  return answer;
}

Result<HttpAnswer> ApiClient::Delete(const std::string& path) const {
  Curl curl = Open(base_url_ + path, tls_pin_);
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kRequestSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, "DELETE");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendToString);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  NS_ASSIGN_OR_RETURN(answer.status, Perform(curl.get(), base_url_));
  return answer;
}

Result<HttpAnswer> ApiClient::PutFile(const std::string& path, const fs::path& file, uint64_t from) const {
  FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::error_code error;
  uint64_t size = fs::file_size(file, error);
  if (!in.valid() || error || ::lseek(in.get(), static_cast<off_t>(from), SEEK_SET) < 0) {
    return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
  }
  int fd = in.get();
  Curl curl = Open(base_url_ + path, tls_pin_);
  std::string range = fmt::format("Content-Range: bytes {}-{}/{}", from, size - 1, size);
  Headers headers = SayWho(curl.get(), headers_, from > 0 ? range : "");
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size - from));
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, ReadFromFile);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &fd);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, kRequestSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendToString);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  NS_ASSIGN_OR_RETURN(answer.status, Perform(curl.get(), base_url_));
  return answer;
}

Result<std::string> ApiClient::ClusterJson() const { return GetBody("/cluster"); }

Status ApiClient::JoinNodes(const std::string& hostfile) const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Post("/cluster/nodes", JoinNodesJson(hostfile)));
  return answer.status == 200 ? OkStatus() : Refused(answer);
}

Status ApiClient::RemoveNode(int64_t id) const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Delete(fmt::format("/cluster/nodes/{}", id)));
  return answer.status == 200 ? OkStatus() : Refused(answer);
}

Result<std::string> ApiClient::GetBody(const std::string& path) const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Get(path));
  if (answer.status != 200) return Refused(answer);
  return std::move(answer.body);
}

Result<std::string> ApiClient::Submit(const std::string& request_json) const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Post("/task/submit/", request_json));
  if (answer.status != 200) return Refused(answer);
  return ParseSubmitAnswer(answer.body);
}

Result<std::string> ApiClient::StatusJson(const std::string& id) const {
  NS_ASSIGN_OR_RETURN(std::string body, GetBody("/task/status/" + id));
  if (body == UnknownStatusJson()) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  return body;
}

Result<StatusAnswer> ApiClient::GetStatus(const std::string& id) const {
  NS_ASSIGN_OR_RETURN(std::string body, StatusJson(id));
  return ParseStatusAnswer(body);
}

Result<std::string> ApiClient::ListJson(const std::string& query) const { return GetBody("/tasks?" + query); }

std::string ApiClient::Escaped(std::string_view text) {
  std::unique_ptr<char, void (*)(void*)> escaped(curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), curl_free);
  return escaped.get();
}

Result<std::string> ApiClient::Cancel(const std::string& id) const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Post("/task/" + id + "/cancel", ""));
  if (answer.status != 200) return Refused(answer);
  return std::move(answer.body);
}

Status ApiClient::GetStream(const std::string& path, const std::function<void(std::string_view)>& take) const {
  Curl curl = Open(base_url_ + path, tls_pin_);
  StreamTarget target{curl.get(), take, {}};
  curl_easy_setopt(curl.get(), CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, TakePiece);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &target);
  NS_ASSIGN_OR_RETURN(int status, Perform(curl.get(), base_url_));
  return status == 200 || status == 204 ? OkStatus() : Refused({status, target.refusal});
}

Status ApiClient::ReadLog(const std::string& id, uint64_t offset, bool follow, const std::function<void(std::string_view)>& take) const {
  return GetStream(fmt::format("/task/log/{}?offset={}{}", id, offset, follow ? "&follow=true" : ""), take);
}

Status ApiClient::FollowEvents(const std::string& id, uint64_t after, const std::function<void(const TaskEvent*)>& take) const {
  std::string held;
  return GetStream(fmt::format("/task/{}/events?after={}", id, after), [&](std::string_view piece) {
    held += piece;
    size_t begin = 0;
    for (size_t end; (end = held.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string_view line = std::string_view(held).substr(begin, end - begin);
      if (line == ":") take(nullptr);
      if (!line.starts_with("data: ")) continue;
      auto event = ParseTaskEvent(line.substr(6));
      if (event.ok()) take(&*event);
    }
    held.erase(0, begin);
  });
}

namespace {

std::string TrialQuery(int trial) { return trial < 0 ? "" : fmt::format("?trial={}", trial); }

}  // namespace

Result<std::string> ApiClient::Recipe(const std::string& id, int trial) const { return GetBody("/task/" + id + "/recipe" + TrialQuery(trial)); }

Status ApiClient::Download(const std::string& id, const fs::path& file, int trial) const {
  fs::path partial = file.string() + ".partial";
  FileDescriptor out(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", partial.string()));
  int fd = out.get();
  Curl curl = Open(base_url_ + "/download/" + id + TrialQuery(trial), tls_pin_);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendToFile);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &fd);
  auto code = Perform(curl.get(), base_url_);
  Status status = code.status();
  if (status.ok() && *code != 200) status = Refused({*code, ReadFile(partial, 1 << 16).value_or("")});
  if (status.ok()) status = SyncFile(fd, partial);
  if (status.ok() && ::rename(partial.c_str(), file.c_str()) != 0) status = ErrnoStatus(errno, fmt::format("cannot write '{}'", file.string()));
  if (!status.ok()) ::unlink(partial.c_str());
  return status;
}

Status ApiClient::Ping() const {
  NS_ASSIGN_OR_RETURN(HttpAnswer answer, Get("/ping"));
  if (answer.body.find("\"Healthy\"") != std::string::npos) return OkStatus();
  return Unavailable(fmt::format("the service at {} is not well: {}", base_url_, answer.body), "NOT_HEALTHY");
}

}  // namespace ns
