#include "app/hub_models.h"

#include <signal.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/subprocess.h"
#include "tasks/fetched_model.h"
#include "tasks/hub_name.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

Result<ExitStatus> WaitOrStop(const ProcessId& child, std::stop_token stop) {
  while (!stop.stop_requested()) {
    NS_ASSIGN_OR_RETURN(auto ended, TryWaitChild(child.pid));
    if (ended) return *ended;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(child.pid, SIGTERM);
  NS_RETURN_IF_ERROR(WaitChild(child.pid).status());
  return Cancelled();
}

Result<fs::path> Fetch(const std::string& name, const fs::path& program, std::stop_token stop) {
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-fetch-"));
  SpawnOptions spawn;
  spawn.argv = {(program.parent_path() / "neural_solution").string(), "fetch", name, "--json"};
  spawn.stdout_file = folder.path() / "answer";
  NS_ASSIGN_OR_RETURN(ProcessId child, Spawn(spawn));
  NS_RETURN_IF_ERROR(WaitOrStop(child, stop).status());
  NS_ASSIGN_OR_RETURN(std::string answer, ReadFile(spawn.stdout_file, 1 << 20));
  auto fetched = ParseFetchedModel(answer);
  if (!fetched.ok()) return fetched.status().WithContext(fmt::format("there is no '{}' here", name));
  return fetched->folder;
}

}  // namespace

Status BringHubModels(const fs::path& program, std::stop_token stop, WorkerCommandLine* line) {
  if (line->command == WorkerCommand::kOptimize && line->optimize.output.empty()) {
    auto name = ParseHubName(line->optimize.model.string());
    std::error_code ignored;
    if (name.ok() && !fs::exists(line->optimize.model, ignored)) line->optimize.output = name->name() + "-optimized";
  }
  for (fs::path* model : {&line->optimize.model, &line->benchmark.model, &line->benchmark.other, &line->quantize.model}) {
    std::error_code ignored;
    if (!IsHubName(model->string()) || fs::exists(*model, ignored)) continue;
    NS_ASSIGN_OR_RETURN(*model, Fetch(model->string(), program, stop));
  }
  return OkStatus();
}

}  // namespace ns
