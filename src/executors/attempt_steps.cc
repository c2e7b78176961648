#include "executors/attempt_steps.h"

#include "base/file.h"
#include "executors/sandbox.h"
#include "tasks/keeping_file.h"

namespace ns {
namespace fs = std::filesystem;

std::optional<StepPlan> CurrentPlan(const fs::path& folder, int attempt) {
  auto text = ReadFile(folder / kStepPlanFileName);
  auto plan = text.ok() ? ParseStepPlan(*text) : Result<StepPlan>(text.status());
  if (!plan.ok() || plan->attempt != attempt) return std::nullopt;
  return std::move(*plan);
}

StepProcess ProcessOf(const Step& step, const SupervisorOptions& options, const StepPlan& plan) {
  StepProcess process;
  process.argv = step.argv;
  process.environment = StepEnvironment(step, plan.work_folder, plan.sandbox);
  process.working_folder = plan.work_folder.string();
  process.sandboxed = plan.sandbox;
  process.open_files = plan.limits.open_files;
  process.file_bytes = plan.limits.disk_bytes;
  process.time_limit_seconds = step.time_limit_seconds;
  process.grace = options.grace;
  process.keeping = plan.work_folder / kKeepingFileName;
  if (plan.sandbox) {
    process.argv = SandboxCommand({step.sandbox, options.task_folder, plan.work_folder, plan.hidden, plan.limits.memory_bytes / 2,
                                   plan.limits.processes, step.argv});
  }
  return process;
}

}  // namespace ns
