#include <algorithm>
#include <cstdio>

#include "cli/commands.h"

namespace ns {

namespace {

struct ListFlags {
  ServiceTarget target;
  std::string state;
  int limit = 100;
  int after = 0;
};

int List(const ListFlags& flags) {
  auto body = Connect(flags.target).ListJson(flags.after, flags.limit, flags.state);
  if (!body.ok()) return Fail(body.status());
  if (flags.target.json) return std::printf("%s\n", body->c_str()), 0;
  auto tasks = ParseTaskList(*body);
  if (!tasks.ok()) return Fail(tasks.status());
  std::printf("%-32s  %-9s  %-20s  %s\n", "ID", "STATUS", "SUBMITTED", "NAME");
  for (const TaskSummary& task : *tasks) {
    std::string time = task.submitted ? FormatTime(*task.submitted).substr(0, 19) + "Z" : "";
    std::printf("%-32s  %-9s  %-20s  %s\n", task.id.c_str(), std::string(TaskStateName(task.state)).c_str(), time.c_str(), task.name.c_str());
  }
  return 0;
}

}  // namespace

void AddList(CommandLine& line) {
  auto flags = std::make_shared<ListFlags>();
  Command command = line.Add("list", "List tasks, oldest first", "Tasks");
  command.Choice("--status", &flags->state, {"pending", "running", "done", "failed", "cancelled"}, "Only these")
      .Option("--limit", &flags->limit, "At most so many", 1, 1000)
      .Option("--after", &flags->after, "Only tasks with a larger order number", 0, 2'000'000'000);
  AddTarget(command, &flags->target);
  command.Runs([flags] { return List(*flags); });
}

}  // namespace ns
