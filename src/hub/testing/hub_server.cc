#include "hub/testing/hub_server.h"

#include "base/hash.h"

namespace ns {

namespace {

std::string Name(const TestHub::File& file) { return file.large ? Sha256Hex(file.content) : Sha256Hex(file.content).substr(0, 40); }

bool TakePrefix(std::string* text, const std::string& prefix) {
  if (!text->starts_with(prefix)) return false;
  text->erase(0, prefix.size());
  return true;
}

// The head of an answer to HEAD and GET alike; only a GET has the body.
void SendFor(const TestRequest& request, int socket, const std::string& status, const std::string& headers, const std::string& body) {
  if (request.method != "HEAD") return SendAnswer(socket, status, headers, body);
  SendText(socket, fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n", status, headers, body.size()));
}

}  // namespace

TestHub::TestHub()
    : storage_([this](const TestRequest& request, int socket) { Storage(request, socket); }),
      hub_([this](const TestRequest& request, int socket) { Answer(request, socket); }) {}

void TestHub::Answer(const TestRequest& request, int socket) {
  if (fault && fault(request, socket)) return;
  auto header = request.headers.find("authorization");
  if (!token.empty() && (header == request.headers.end() || header->second != "Bearer " + token)) {
    return SendFor(request, socket, "401 Unauthorized", "X-Error-Code: RepoNotFound\r\n", "Invalid username or password.");
  }
  std::string path = request.path;
  for (const auto& [old, now] : old_names) {
    size_t at = path.find("/" + old + "/");
    if (at == std::string::npos) continue;
    path.replace(at + 1, old.size(), now);
    return SendFor(request, socket, "307 Temporary Redirect", "Location: " + path + "\r\n", "moved");
  }
  if (TakePrefix(&path, "/api/models/" + id + "/revision/")) {
    if (path != branch && path != commit) return SendFor(request, socket, "404 Not Found", "X-Error-Code: RevisionNotFound\r\n", "{}");
    std::string siblings;
    for (const auto& [name, file] : files) siblings += fmt::format("{}{{\"rfilename\": \"{}\"}}", siblings.empty() ? "" : ", ", name);
    return SendFor(request, socket, "200 OK", "", fmt::format("{{\"id\": \"{}\", \"sha\": \"{}\", \"siblings\": [{}]}}", id, commit, siblings));
  }
  if (TakePrefix(&path, "/" + id + "/resolve/" + commit + "/")) return Resolve(request, path, socket);
  SendFor(request, socket, "404 Not Found", "X-Error-Code: RepoNotFound\r\n", "{}");
}

void TestHub::Resolve(const TestRequest& request, const std::string& path, int socket) {
  auto found = files.find(path);
  if (found == files.end()) return SendFor(request, socket, "404 Not Found", "X-Error-Code: EntryNotFound\r\n", "");
  const File& file = found->second;
  std::string headers = fmt::format("X-Repo-Commit: {}\r\n", commit);
  if (!file.large) return SendFor(request, socket, "200 OK", fmt::format("{}ETag: W/\"{}\"\r\n", headers, Name(file)), file.content);
  SendFor(request, socket, "302 Found",
          fmt::format("{}X-Linked-Etag: \"{}\"\r\nX-Linked-Size: {}\r\nLocation: {}\r\n", headers, Name(file), file.content.size(), storage_.url("/" + path)), "");
}

void TestHub::Storage(const TestRequest& request, int socket) {
  if (fault && fault(request, socket)) return;
  auto found = files.find(request.path.substr(1));
  if (found == files.end()) return SendAnswer(socket, "404 Not Found", "", "");
  SendFileAnswer(request, socket, found->second.content, "\"storage-" + Name(found->second).substr(0, 8) + "\"");
}

}  // namespace ns
