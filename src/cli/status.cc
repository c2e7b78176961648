#include <cstdio>

#include "cli/commands.h"

namespace ns {

void AddStatus(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("status", "Say whether the service is well, or with an id how the task is (as show does)", "Service");
  command.Option("id", &options->id, "Task id");
  AddTarget(command, &options->target);
  command.Runs([options] {
    if (!options->id.empty()) return ShowTask(options->target, options->id);
    ApiClient client = Connect(options->target);
    auto answer = client.Get("/ping");
    if (!answer.ok()) return Fail(answer.status());
    Status healthy = client.Ping();
    if (options->target.json) {
      std::printf("%s\n", answer->body.c_str());
    } else {
      std::printf("%s: %s\n", client.base_url().c_str(), healthy.ok() ? "running" : healthy.message().c_str());
    }
    return healthy.ok() ? 0 : 1;
  });
}

}  // namespace ns
