// A worker that does nothing but what every worker must: it starts, reports through the worker protocol, leaves a result and ends. With it
// the service's own share of a task is measured. A task named "sleep" waits to be ended instead, one named "spin" keeps its cores busy.
// Called as `trivial_worker lead --task-folder DIR`; DIR/work/started.txt gets the wall time at which main() began, in seconds.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "tasks/event_log.h"
#include "tasks/task_file.h"

namespace ns {
namespace {

Status Work(const std::filesystem::path& folder, double started) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  SystemClock clock;
  NS_ASSIGN_OR_RETURN(auto log, EventLog::Open(task.events_file, clock));
  NS_RETURN_IF_ERROR(WriteFileAtomic(folder / "work" / "started.txt", fmt::format("{:.6f}\n", started)));
  if (task.spec.name == "sleep") ::pause();
  for (volatile uint64_t round = 0; task.spec.name == "spin";) round = round + 1;
  NS_RETURN_IF_ERROR(log->Append(TrialEvent{0, "fp32", "accuracy", 0.9, 0.1, {}, {}, false, false}));
  std::error_code error;
  std::filesystem::create_directories(task.output_folder, error);
  NS_RETURN_IF_ERROR(WriteFileAtomic(task.output_folder / "model.onnx", "none"));
  NS_RETURN_IF_ERROR(WriteFileAtomic(task.output_folder / "report.json", R"({"verdict": "nothing done", "goal_met": true})"));
  return log->Append(ResultEvent{true, "nothing done", "accuracy", 0.9, 0.1, 0.1});
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  double started = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (argc != 4) return 64;
  ns::Status status = ns::Work(argv[3], started);
  if (!status.ok()) std::fprintf(stderr, "trivial_worker: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
