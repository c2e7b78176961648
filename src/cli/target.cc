#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "cli/commands.h"

namespace ns {

void AddTarget(Command& command, ServiceTarget* target) {
  command.Option("--url", &target->url, "Address of the service, as http://127.0.0.1:8000")
      .Option("--workspace", &target->workspace, "Workspace of the service, to find its address")
      .Configurable({"url", "workspace"})
      .Rivals({"url", "workspace"})
      .Flag("--json", &target->json, "Print JSON");
}

namespace {

// Where the service of `workspace` answers; the caller's token is sent there, so only the caller's own (or root's) file is believed.
Result<ServeRecord> ReadOwnServeRecord(const std::filesystem::path& workspace) {
  std::filesystem::path file = workspace / "serve.json";
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
  if (info.st_uid != ::geteuid() && info.st_uid != 0) return Status(StatusCode::kPermissionDenied, fmt::format("'{}' belongs to somebody else", file.string()), "NOT_OURS");
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(file));
  return ParseServeRecord(text);
}

}  // namespace

ApiClient Connect(const ServiceTarget& target) {
  if (!target.url.empty()) return ApiClient(target.url.back() == '/' ? target.url.substr(0, target.url.size() - 1) : target.url);
  auto record = ReadOwnServeRecord(target.workspace);
  if (!record.ok() || record->rest_url.empty()) return ApiClient("http://127.0.0.1:8000");
  return ApiClient(record->rest_url, record->tls_pin);
}

int Fail(const Status& status) {
  std::fprintf(stderr, "neural_solution: %s\n", status.message().c_str());
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kAlreadyExists ? 2 : 1;
}

}  // namespace ns
