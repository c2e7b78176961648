#include <cstdio>

#include "base/file.h"
#include "cli/commands.h"

namespace ns {

void AddRecipe(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
    std::string output;
    int trial = -1;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("recipe", "Print what makes the model of a task that is done again: optimize MODEL --recipe FILE", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true)
      .Option("-o,--output", &options->output, "File to write (default: standard output)")
      .Option("--trial", &options->trial, "Of this trial of the Pareto set (see the report), in the place of the answer", 0, INT32_MAX);
  AddTarget(command, &options->target);
  command.Runs([options] {
    auto recipe = Connect(options->target).Recipe(options->id, options->trial);
    if (!recipe.ok()) return Fail(recipe.status());
    if (options->output.empty()) {
      std::fwrite(recipe->data(), 1, recipe->size(), stdout);
      return 0;
    }
    if (Status status = WriteFileAtomic(options->output, *recipe); !status.ok()) return Fail(status);
    std::printf("%s\n", options->target.json ? DownloadedJson(options->output).c_str() : options->output.c_str());
    return 0;
  });
}

}  // namespace ns
