// A worker that starts, tells a little, leaves a result and ends: what is left is the cost of everything around it. It understands these words
// of fake_worker.py in its task's name: sleep=S (default: none), fail, crash_once.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "tasks/event_log.h"
#include "tasks/task_file.h"

namespace ns {
namespace {

Status Work(const std::filesystem::path& folder) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  SystemClock clock;
  NS_ASSIGN_OR_RETURN(auto events, EventLog::Open(task.events_file, clock));
  NS_RETURN_IF_ERROR(events->Append(StageEvent{"evaluate"}));
  std::istringstream words(task.spec.name);
  for (std::string word; std::getline(words, word, '+');) {
    if (word.starts_with("sleep=")) std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(word.substr(6))));
    if (word == "crash_once" && task.attempt == 1) std::raise(SIGKILL);
    if (word == "fail") {
      NS_RETURN_IF_ERROR(events->Append(StateEvent{TaskState::kFailed, "BAD_DATA", "column 'label' is missing", 0}));
      return InvalidArgument("column 'label' is missing");
    }
  }
  std::error_code error;
  std::filesystem::create_directories(task.output_folder, error);
  if (error) return ErrnoStatus(error.value(), task.output_folder.string());
  NS_RETURN_IF_ERROR(WriteFileAtomic(task.output_folder / "report.json", R"({"verdict": "trivial", "goal_met": true})"));
  return events->Append(ResultEvent{true, "trivial", "accuracy", task.attempt * 1.0, 0, 0});
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  if (argc != 4 || std::strcmp(argv[1], "lead") != 0 || std::strcmp(argv[2], "--task-folder") != 0) return 64;
  ns::Status status = ns::Work(argv[3]);
  if (!status.ok()) std::fprintf(stderr, "trivial worker: %s\n", status.message().c_str());
  return status.ok() ? 0 : 2;
}
