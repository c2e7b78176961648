// Runs passes in order: times each, switches them off by name, dumps and verifies the model after each.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "passes/pass.h"

namespace ns {

struct PassManagerOptions {
  std::set<std::string> switched_off;   // names of passes
  std::filesystem::path dump_folder;    // after each pass that changed something: NN-<pass>.txt, the model as text. Empty: no dumps
  bool verify_each = true;              // onnx's checker after each pass that changed something: milliseconds
};

struct PassReport {
  std::string name;
  int changes = 0;
  double seconds = 0;
  bool switched_off = false;
};

// Internal (PASS_BROKE_MODEL) names the pass whose result is not valid; errors of a pass get its name as context; InvalidArgument
// (UNKNOWN_PASS) when a name to switch off is none of `passes`; Cancelled between two passes.
Result<std::vector<PassReport>> RunPasses(std::span<const std::unique_ptr<Pass>> passes, Model& model, const PassContext& context,
                                          const PassManagerOptions& options = {}, const Clock& clock = SystemClock(),
                                          std::stop_token stop = {});

// What prepares a model for quantization, in order. This is the list: a new pass is added here.
std::vector<std::unique_ptr<Pass>> PreparationPasses();

}  // namespace ns
