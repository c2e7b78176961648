#include <cstdio>

#include "cli/commands.h"

namespace ns {

void AddDownload(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
    std::string output;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("download", "Download the optimized model of a task that is done, as a zip", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true)
      .Option("-o,--output", &options->output, "File to write (default: quantized_model_<id>.zip)");
  AddTarget(command, &options->target);
  command.Runs([options] {
    std::string file = options->output.empty() ? "quantized_model_" + options->id + ".zip" : options->output;
    if (Status status = Connect(options->target).Download(options->id, file); !status.ok()) return Fail(status);
    std::printf("%s\n", options->target.json ? DownloadedJson(file).c_str() : file.c_str());
    return 0;
  });
}

}  // namespace ns
