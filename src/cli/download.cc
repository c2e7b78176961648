#include <cstdio>

#include "cli/commands.h"

namespace ns {

void AddDownload(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
    std::string output;
    int trial = -1;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("download", "Download the optimized model of a task that is done, as a zip", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true)
      .Option("-o,--output", &options->output, "File to write (default: quantized_model_<id>.zip)")
      .Option("--trial", &options->trial, "The model of this trial of the Pareto set (see the report), in the place of the answer", 0, INT32_MAX);
  AddTarget(command, &options->target);
  command.Runs([options] {
    std::string of_trial = options->trial < 0 ? "" : fmt::format("_trial_{}", options->trial);
    std::string file = options->output.empty() ? "quantized_model_" + options->id + of_trial + ".zip" : options->output;
    if (Status status = Connect(options->target).Download(options->id, file, options->trial); !status.ok()) return Fail(status);
    std::printf("%s\n", options->target.json ? DownloadedJson(file).c_str() : file.c_str());
    return 0;
  });
}

}  // namespace ns
