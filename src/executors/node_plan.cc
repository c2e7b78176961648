#include "executors/node_plan.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/replace_file.h"
#include "tasks/task_inputs.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr size_t kTokenBytes = 32;

// Where the service's path is on the node; an empty one stays so.
class GivenPaths {
 public:
  GivenPaths(const fs::path& folder, std::vector<OutpostInput>* inputs) : folder_(folder), inputs_(inputs) {}

  fs::path Give(const fs::path& source, const std::string& role) {
    if (source.empty()) return {};
    std::string target = fmt::format("{}/{}/{}", kGivenFolderName, role, source.filename().string());
    inputs_->push_back({source, target, true, role == "model", false});
    return folder_ / target;
  }
  // A script with the folder that it lies in.
  fs::path GiveScript(const fs::path& script) {
    if (script.empty()) return {};
    std::string target = std::string(kGivenFolderName) + "/script";
    inputs_->push_back({script.parent_path(), target, true, false, false});
    return folder_ / target / script.filename();
  }

 private:
  const fs::path folder_;
  std::vector<OutpostInput>* inputs_;
};

std::string TargetOf(const WorkerId& worker, const char* file) { return (WorkerFolder({}, worker.worker) / file).string(); }

Status MakeToken(const fs::path& file) {
  std::error_code error;
  if (fs::file_size(file, error) == 2 * kTokenBytes) return OkStatus();
  FileDescriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", file.string()));
  return WriteAll(out.get(), RandomHex(kTokenBytes), file);
}

}  // namespace

Result<NodeWorkerPlan> PlanForNode(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task) {
  NodeWorkerPlan plan;
  const fs::path folder = NodeTaskFolder(options.node_folder, place.id.task_id);
  GivenPaths given(folder, &plan.inputs);
  plan.task = task;
  plan.task.model_path = given.Give(task.model_path, "model");
  plan.task.dataset_path = given.Give(task.dataset_path, "dataset");
  plan.task.calibration_path = given.Give(task.calibration_path, "calibration");
  plan.task.script_path = given.GiveScript(task.script_path);
  plan.task.output_folder = folder / kWorkFolderName / kResultFolderName;
  plan.task.events_file = folder / kEventsFileName;
  if (!task.cache_folder.empty()) plan.task.cache_folder = folder / kNodeCacheFolderName;
  if (HasTeam(task.spec)) plan.inputs.push_back({TeamTokenFile(place.folder), kTeamTokenFileName});
  if (place.id.lead()) {
    if (!task.cache_folder.empty()) plan.inputs.push_back({task.cache_folder, kNodeCacheFolderName});
    plan.inputs.push_back({task.events_file, kEventsFileName});  // of a start of this attempt that was lost: its numbers go on
    NS_ASSIGN_OR_RETURN(plan.steps, PlanSteps(options, folder, plan.task));
    return plan;
  }
  WorkerPlace there = place;
  there.folder = folder;
  plan.steps = PlanAssistant(options, there, plan.task);
  // Its own: a lead on the same node writes the other.
  plan.steps.relay.address_file = TeamAddressFile(WorkerFolder(folder, place.id.worker));
  if (NeedsFetching(task)) plan.inputs.push_back({place.folder / kInputsFolderName, kInputsFolderName, true, false, true});
  return plan;
}

Status PrepareForNode(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task) {
  NS_ASSIGN_OR_RETURN(NodeWorkerPlan plan, PlanForNode(options, place, task));
  const fs::path folder = WorkerFolder(place.folder, place.id.worker);
  NS_RETURN_IF_ERROR(MakeToken(place.folder / kOutpostTokenFileName));
  if (place.id.lead()) {
    plan.inputs.push_back({folder / kNodeTaskFileName, kTaskFileName});
    NS_RETURN_IF_ERROR(ReplaceFile(folder / kNodeTaskFileName, TaskFileToJson(plan.task)));
  }
  plan.inputs.push_back({folder / kStepPlanFileName, TargetOf(place.id, kStepPlanFileName)});
  NS_RETURN_IF_ERROR(ReplaceFile(folder / kOutpostFileName, OutpostInputsToJson(plan.inputs)));
  return ReplaceFile(folder / kStepPlanFileName, StepPlanToJson(plan.steps));
}

Result<RemoteStart> StartElsewhere(const std::vector<std::string>& outpost, const fs::path& node_folder,
                                   const std::vector<std::string>& supervisor_command, SupervisorOptions supervisor,
                                   const std::vector<WorkerPlace>& places) {
  RemoteStart start;
  if (!outpost.empty()) {
    const WorkerPlace& first = places[0];
    NS_ASSIGN_OR_RETURN(start.environment[kOutpostTokenVariable], ReadFile(first.folder / kOutpostTokenFileName, 4096));
    start.command = outpost;
    start.command.insert(start.command.end(), {"--task", first.id.task_id});
    for (const WorkerPlace& place : places) start.command.insert(start.command.end(), {"--worker", fmt::format("{}:{}", place.id.worker, place.id.fence)});
    start.command.push_back("--");
    supervisor.log_file.clear();  // the outpost's own business
    fs::path folder = NodeTaskFolder(node_folder, first.id.task_id);
    supervisor.task_folder = supervisor.members.empty() ? WorkerFolder(folder, first.id.worker) : folder;
  }
  start.command.insert(start.command.end(), supervisor_command.begin(), supervisor_command.end());
  for (std::string& word : SupervisorWords(supervisor)) start.command.push_back(std::move(word));
  return start;
}

}  // namespace ns
