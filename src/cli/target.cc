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

ApiClient Connect(const ServiceTarget& target) {
  if (!target.url.empty()) return ApiClient(target.url.back() == '/' ? target.url.substr(0, target.url.size() - 1) : target.url);
  auto text = ReadFile(std::filesystem::path(target.workspace) / "serve.json");
  auto record = text.ok() ? ParseServeRecord(*text) : Result<ServeRecord>(text.status());
  if (!record.ok() || record->rest_url.empty()) return ApiClient("http://127.0.0.1:8000");
  return ApiClient(record->rest_url, record->tls_pin);
}

int Fail(const Status& status) {
  std::fprintf(stderr, "neural_solution: %s\n", status.message().c_str());
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kAlreadyExists ? 2 : 1;
}

}  // namespace ns
