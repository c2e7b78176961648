#include "cli/cli.h"

#include "cli/commands.h"

namespace ns {

int RunCli(int argc, char** argv, const CliHooks& hooks) {
  if (int code = PassThrough(argc, argv); code >= 0) return code;
  CommandLine line("neural_solution", "Model optimization as a service: submit a model and its data, get back the fastest model that keeps its accuracy.",
                   hooks.version);
  AddStart(line);
  AddStop(line);
  AddServe(line, hooks);
  AddToken(line, hooks);
  AddStatus(line);
  AddCluster(line);
  AddSubmit(line);
  AddUpload(line);
  AddWait(line);
  AddList(line);
  AddShow(line);
  AddLog(line);
  AddCancel(line);
  AddDownload(line);
  AddRecipe(line);
  AddPassThroughHelp(line);
  AddFetch(line);
  AddCompletion(line);
  line.Footer(
      "Example:\n"
      "  neural_solution start --upload_path examples\n"
      "  neural_solution submit --model image-classification/model.onnx --dataset image-classification/evaluation.npz --wait\n"
      "  neural_solution stop");
  return line.Parse(argc, argv);
}

}  // namespace ns
