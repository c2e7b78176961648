#include <cstdio>

#include "cli/commands.h"

namespace ns {

void AddCancel(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("cancel", "Cancel a task", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true);
  AddTarget(command, &options->target);
  command.Runs([options] {
    auto body = Connect(options->target).Cancel(options->id);
    if (!body.ok()) return Fail(body.status());
    std::printf("%s\n", options->target.json ? body->c_str() : (options->id + " cancelled").c_str());
    return 0;
  });
}

}  // namespace ns
