#include "passes/pass_manager.h"

#include "base/file.h"
#include "graph/text.h"
#include "passes/fold_batch_normalization.h"
#include "passes/fold_constants.h"
#include "passes/fold_scale_shift.h"
#include "passes/name_nodes.h"
#include "passes/order_operands.h"
#include "passes/pool_means.h"
#include "passes/remove_dead.h"
#include "passes/remove_identities.h"
#include "passes/upgrade_opset.h"

namespace ns {

namespace {

Status CheckNames(std::span<const std::unique_ptr<Pass>> passes, const std::set<std::string>& names) {
  for (const std::string& name : names) {
    bool known = false;
    for (const auto& pass : passes) known |= pass->name() == name;
    if (!known) return InvalidArgument(fmt::format("there is no pass '{}' to switch off", name), "UNKNOWN_PASS");
  }
  return OkStatus();
}

Status AfterChange(const Pass& pass, size_t number, const Model& model, const PassManagerOptions& options) {
  if (!options.dump_folder.empty()) {
    std::filesystem::path file = options.dump_folder / fmt::format("{:02}-{}.txt", number + 1, pass.name());
    NS_RETURN_IF_ERROR(WriteFileAtomic(file, ToText(model)));
  }
  Status valid = options.verify_each ? model.Verify() : OkStatus();
  if (valid.ok()) return valid;
  return Internal(fmt::format("pass '{}' made an invalid model: {}", pass.name(), valid.message()), "PASS_BROKE_MODEL");
}

}  // namespace

Result<std::vector<PassReport>> RunPasses(std::span<const std::unique_ptr<Pass>> passes, Model& model, const PassContext& context,
                                          const PassManagerOptions& options, const Clock& clock, std::stop_token stop) {
  NS_RETURN_IF_ERROR(CheckNames(passes, options.switched_off));
  std::vector<PassReport> reports;
  for (size_t i = 0; i < passes.size(); ++i) {
    Pass& pass = *passes[i];
    PassReport& report = reports.emplace_back();
    report.name = pass.name();
    report.switched_off = options.switched_off.contains(report.name);
    if (report.switched_off) continue;
    if (stop.stop_requested()) return Cancelled();
    SteadyTime start = clock.steady();
    Result<int> changes = pass.Run(model, context);
    report.seconds = std::chrono::duration<double>(clock.steady() - start).count();
    if (!changes.ok()) return changes.status().WithContext(fmt::format("pass '{}'", pass.name()));
    report.changes = *changes;
    if (report.changes > 0) NS_RETURN_IF_ERROR(AfterChange(pass, i, model, options));
    model.DropWeightPages();  // now, while the model still has the weights that were folded and are dead
  }
  return reports;
}

std::vector<std::unique_ptr<Pass>> PreparationPasses() {
  std::vector<std::unique_ptr<Pass>> passes;
  passes.push_back(std::make_unique<RemoveIdentities>());
  passes.push_back(std::make_unique<FoldConstants>());
  passes.push_back(std::make_unique<UpgradeOpset>());  // after folding: more ranks are known, fewer Softmax need nodes around
  passes.push_back(std::make_unique<FoldBatchNormalization>());
  passes.push_back(std::make_unique<FoldScaleShift>());
  passes.push_back(std::make_unique<PoolMeans>());
  passes.push_back(std::make_unique<RemoveDead>());
  passes.push_back(std::make_unique<OrderOperands>());
  passes.push_back(std::make_unique<NameNodes>());
  return passes;
}

}  // namespace ns
