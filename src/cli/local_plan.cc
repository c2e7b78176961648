#include "cli/local_plan.h"

#include "base/file.h"
#include "base/subprocess.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// The options that say what is run; how long the search may go on matters little to what is expected.
std::vector<std::string> Arguments(const TaskSpec& spec, const fs::path& worker) {
  const DatasetSpec& data = *spec.dataset;
  std::vector<std::string> argv = {worker.string(), "optimize", spec.model, "--dry-run", "--no-cache", "--data", data.path};
  auto add = [&](const char* option, const std::string& value) {
    if (value.empty()) return;
    argv.emplace_back(option);
    argv.push_back(value);
  };
  add("--calibration", data.calibration_path);
  if (data.calibration_rows) add("--calibration", fmt::format("{}:{}", data.calibration_rows->begin, data.calibration_rows->end));
  if (data.calibration_samples) add("--calibration-samples", std::to_string(*data.calibration_samples));
  if (data.evaluation_samples > 0) add("--evaluation-samples", std::to_string(data.evaluation_samples));
  if (data.batch_size > 0) add("--batch-size", std::to_string(data.batch_size));
  add("--text", data.columns.text);
  add("--text-pair", data.columns.text_pair);
  add("--label", data.columns.label);
  for (const auto& [input, array] : data.columns.inputs) add("--input", array + "=" + input);
  for (const MetricSpec& metric : spec.metrics) add("--metric", metric.name);
  add("--approach", ApproachName(spec.approach));
  if (spec.tuning.timeout_seconds > 0) add("--timeout", fmt::format("{}", spec.tuning.timeout_seconds));
  return argv;
}

}  // namespace

Result<std::optional<std::string>> LocalPlan(const TaskSpec& spec) {
  std::error_code ignored;
  bool here = !spec.model.empty() && spec.dataset && fs::exists(spec.model, ignored) && fs::exists(spec.dataset->path, ignored);
  if (!here) return std::optional<std::string>();
  NS_ASSIGN_OR_RETURN(fs::path program, ThisProgram());
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-plan-"));
  SpawnOptions spawn;
  spawn.argv = Arguments(spec, program.parent_path() / "neural_solution_worker");
  spawn.stdout_file = folder.path() / "plan";
  spawn.stderr_file = folder.path() / "messages";
  NS_ASSIGN_OR_RETURN(ProcessId worker, Spawn(spawn));
  NS_ASSIGN_OR_RETURN(ExitStatus ended, WaitChild(worker.pid));
  if (ended.signal == 0 && ended.exit_code == 0) {
    NS_ASSIGN_OR_RETURN(std::string plan, ReadFile(folder.path() / "plan"));
    return std::optional(std::move(plan));
  }
  std::string messages = ReadFile(folder.path() / "messages").value_or("");
  size_t error = messages.rfind("error: ");
  return FailedPrecondition(error == std::string::npos ? "the optimizer ended with " + ended.ToString() : messages.substr(error + 7), "NO_PLAN");
}

}  // namespace ns
