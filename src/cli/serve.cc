#include <cstdio>

#include "base/file.h"
#include "cli/commands.h"
#include "tasks/answers.h"

namespace ns {

void AddServe(CommandLine& line, const CliHooks& hooks) {
  auto options = std::make_shared<ServeOptions>();
  Command command = line.Add("serve", "Run the service in the foreground (for systemd and containers)", "Service");
  AddServeOptions(command, options.get());
  command.Runs([options, command, serve = hooks.serve] {
    for (const std::string& name : command.GivenNames()) options->given.insert(name);
    auto ready = [&](const ServeRecord& record) {
      if (options->start_report.empty()) {
        if (options->api_type != "grpc") std::fprintf(stderr, "neural_solution: REST API on %s\n", record.rest_url.c_str());
        if (options->api_type != "restful") std::fprintf(stderr, "neural_solution: gRPC API on %s\n", record.grpc_address.c_str());
        if (!record.note.empty()) std::fprintf(stderr, "neural_solution: %s\n", record.note.c_str());
      } else {
        if (Status status = WriteFileAtomic(options->start_report, ServeRecordJson(record)); !status.ok()) (void)Fail(status);
      }
    };
    Status status = CheckServeOptions(*options);
    if (status.ok()) status = serve(*options, ready);
    if (status.ok()) return 0;
    if (!options->start_report.empty()) {
      ServeRecord record;
      record.error = status.message();
      (void)WriteFileAtomic(options->start_report, ServeRecordJson(record)).ok();
    }
    return Fail(status) == 1 && status.code() == StatusCode::kInternal ? 1 : 2;
  });
}

}  // namespace ns
