#include "outpost/service_line.h"

#include "base/hash.h"
#include "client/uploader.h"
#include "fetch/download.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// What an answer that is none of the wanted means.
Status StatusOf(const HttpAnswer& answer) {
  Status refused = ApiClient::Refused(answer);
  switch (answer.status) {
    case 401:
    case 409: return FailedPrecondition(refused.message(), "GIVEN_UP");
    case 429:
    case 503:
    case 504: return Unavailable(refused.message(), "NOT_YET");
    case 404: return NotFound(refused.message(), "UNKNOWN_FILE");
    default: return refused;
  }
}

Result<std::vector<OutpostFile>> FilesOf(const fs::path& folder) {
  std::vector<OutpostFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->symlink_status(error).type() != fs::file_type::regular) continue;
    NS_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(at->path()));
    files.push_back({at->path().lexically_relative(folder).string(), sha256, at->file_size(error), false});
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot read '{}'", folder.string()));
  return files;
}

}  // namespace

ServiceLine::ServiceLine(Options options)
    : options_(std::move(options)),
      headers_{"Authorization: Bearer " + options_.token, std::string(kOutpostSessionHeader) + ": " + options_.session} {}

Status ServiceLine::Ask(const std::function<Status(const ApiClient&, const std::string&)>& ask) {
  Status last = Unavailable("the service has no address", "NO_SERVICE");
  for (size_t tried = 0; tried < options_.urls.size(); ++tried) {
    const std::string& url = options_.urls[current_];
    last = ask(ApiClient(url, options_.tls_pin, headers_), url);
    if (last.reason() != "NO_SERVICE") return last;
    current_ = (current_ + 1) % options_.urls.size();
  }
  return Unavailable(fmt::format("the service does not answer at {}", fmt::join(options_.urls, ", ")), "NO_SERVICE");
}

Result<std::string> ServiceLine::Post(const std::string& call, const std::string& body) {
  std::string text;
  NS_RETURN_IF_ERROR(Ask([&](const ApiClient& client, const std::string&) -> Status {
    NS_ASSIGN_OR_RETURN(HttpAnswer answer, client.Post(OutpostPath(options_.worker) + call, body));
    text = std::move(answer.body);
    answer.body = text;
    return answer.status == 200 ? OkStatus() : StatusOf(answer);
  }));
  return text;
}

Result<OutpostOrder> ServiceLine::Begin() {
  NS_ASSIGN_OR_RETURN(std::string text, Post("/begin", ""));
  return ParseOutpostOrder(text);
}

Status ServiceLine::Fetch(const OutpostFile& file, const fs::path& to, const std::function<bool()>& stopped) {
  return Ask([&](const ApiClient&, const std::string& url) -> Status {
    FetchOptions fetch;
    fetch.max_bytes = file.size;
    fetch.max_redirects = 0;
    fetch.connect_seconds = 5;
    fetch.total_seconds = 24 * 3600;
    fetch.tries = 2;  // whoever called tries again
    fetch.rules.allow_private = true;
    fetch.headers = headers_;
    fetch.tls_pin = options_.tls_pin;
    fetch.identity = file.sha256;
    fetch.stopped = stopped;
    Status status = Download(url + OutpostPath(options_.worker) + "/file/" + file.sha256, {}, to, fetch).status();
    if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded) return Unavailable(status.message(), "NO_SERVICE");
    if (status.reason() == "HTTP_401" || status.reason() == "HTTP_409") return FailedPrecondition("this start of the worker was given up", "GIVEN_UP");
    return status;
  });
}

Result<uint64_t> ServiceLine::SendLog(uint64_t from, std::string_view bytes) {
  NS_ASSIGN_OR_RETURN(std::string text, Post(fmt::format("/log?from={}", from), std::string(bytes)));
  return ParseOutpostNext(text);
}

Result<uint64_t> ServiceLine::SendEvents(std::string_view lines) {
  NS_ASSIGN_OR_RETURN(std::string text, Post("/events", std::string(lines)));
  return ParseOutpostNext(text);
}

Status ServiceLine::SendEntry(const std::string& name, const std::string& content) { return Post("/entry/" + name, content).status(); }

Result<OutpostBeat> ServiceLine::SendBeat(const OutpostBeat& beat) {
  NS_ASSIGN_OR_RETURN(std::string text, Post("/beat", OutpostBeatToJson(beat)));
  return ParseOutpostBeat(text);
}

Status ServiceLine::SendFolder(const std::string& name, const fs::path& folder) {
  OutpostOrder order;
  NS_ASSIGN_OR_RETURN(order.files, FilesOf(folder));
  for (const OutpostFile& file : order.files) {
    NS_RETURN_IF_ERROR(Ask([&](const ApiClient& client, const std::string&) {
      return UploadContent(client, OutpostPath(options_.worker) + "/content/", folder / file.target, file.sha256, {.tries = 2, .log = {}});
    }));
  }
  return Post("/folder/" + name, OutpostOrderToJson(order)).status();
}

Status ServiceLine::SendEnd(const std::string& exit_status) { return Post("/end", exit_status).status(); }

}  // namespace ns
