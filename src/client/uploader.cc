#include "client/uploader.h"

#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "fetch/pack.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// A path's part of a URL.
std::string Escaped(const std::string& name) {
  std::string escaped;
  for (unsigned char c : name) {
    bool plain = std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
    escaped += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return escaped;
}

void Say(const UploadOptions& options, const std::string& line) {
  if (options.log) options.log(line);
}

struct Sent {
  std::string root, name, sha256;
};

Result<StoredFile> Send(const ApiClient& client, const fs::path& file, const Sent& sent, const UploadOptions& options) {
  const auto& [root, name, sha256] = sent;
  std::string address = root + Escaped(name);
  NS_ASSIGN_OR_RETURN(HttpAnswer known, client.Get(root + sha256));
  if (auto there = known.status == 200 ? ParseStoredFile(known.body) : Result<StoredFile>(NotFound("")); there.ok() && there->name == name) {
    Say(options, fmt::format("the service has '{}' already", name));
    return there;
  }
  std::error_code error;
  uint64_t size = fs::file_size(file, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot read '{}'", file.string()));
  Say(options, fmt::format("uploading '{}' ({} bytes)", name, size));
  uint64_t from = known.status == 200 ? ParseReceived(known.body).value_or(0) : 0;  // where a file's name is its digest
  if (from >= size) from = 0;
  for (int attempt = 1;; ++attempt) {
    auto answer = client.PutFile(address + "?sha256=" + sha256, file, from);
    if (answer.ok() && (answer->status == 200 || answer->status == 201)) return ParseStoredFile(answer->body);
    bool broken = !answer.ok() || answer->status == 503 || answer->status == 409;
    if (!broken) return ApiClient::Refused(*answer);
    if (attempt >= options.tries) return answer.ok() ? ApiClient::Refused(*answer) : answer.status();
    std::this_thread::sleep_for(std::chrono::milliseconds(200 << attempt));
    auto there = client.Get(address);
    from = there.ok() && there->status == 200 ? ParseReceived(there->body).value_or(0) : 0;
    if (from >= size) from = 0;
    Say(options, fmt::format("'{}' broke off; going on at byte {}", name, from));
  }
}

Result<StoredFile> SendNamed(const ApiClient& client, const fs::path& file, const std::string& name, const UploadOptions& options) {
  NS_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(file));
  return Send(client, file, {"/files/", name, sha256}, options);
}

}  // namespace

Status UploadContent(const ApiClient& client, const std::string& root, const fs::path& file, const std::string& sha256, const UploadOptions& options) {
  return Send(client, file, {root, sha256, sha256}, options).status();
}

Result<StoredFile> UploadPath(const ApiClient& client, const fs::path& path, const UploadOptions& options) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return SendNamed(client, path, path.filename().string(), options);
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns_upload_"));
  fs::path top = fs::weakly_canonical(path, error).filename();
  std::string name = top.string() + ".tar";
  NS_RETURN_IF_ERROR(PackFolder(path, folder.path() / name, {.follow_links = true, .top = top}));
  return SendNamed(client, folder.path() / name, name, options);
}

}  // namespace ns
