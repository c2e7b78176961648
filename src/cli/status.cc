#include <cstdio>

#include "cli/commands.h"

namespace ns {

void AddStatus(CommandLine& line) {
  auto target = std::make_shared<ServiceTarget>();
  Command command = line.Add("status", "Say whether the service is well", "Service");
  AddTarget(command, target.get());
  command.Runs([target] {
    ApiClient client = Connect(*target);
    auto answer = client.Get("/ping");
    if (!answer.ok()) return Fail(answer.status());
    Status healthy = client.Ping();
    if (target->json) {
      std::printf("%s\n", answer->body.c_str());
    } else {
      std::printf("%s: %s\n", client.base_url().c_str(), healthy.ok() ? "running" : healthy.message().c_str());
    }
    return healthy.ok() ? 0 : 1;
  });
}

}  // namespace ns
