#include "quantize/prepare.h"

#include "passes/pass_manager.h"
#include "runtime/memory.h"
#include "runtime/ort_evaluator.h"

namespace ns {

Result<Model> PrepareModel(Model model, ProgressSink& progress, std::stop_token stop) {
  OrtEvaluator evaluator;
  PassContext context{&evaluator};
  auto passes = PreparationPasses();
  progress.Progress("prepare", 0, 1);
  NS_ASSIGN_OR_RETURN(auto reports, RunPasses(passes, model, context, {}, SystemClock(), stop));
  for (const PassReport& report : reports) {
    if (report.changes > 0) progress.Note(fmt::format("{}: {} places changed", report.name, report.changes));
  }
  // Folded weights are copies: without this they would stay beside the originals' pages through all that follows.
  Status moved = model.MoveWeightsToTemporaryFile();
  if (!moved.ok()) progress.Note(fmt::format("weights stay in memory: {}", moved.message()));
  model.DropWeightPages();
  ReleaseFreeMemory();
  progress.Progress("prepare", 1, 1);
  return model;
}

}  // namespace ns
