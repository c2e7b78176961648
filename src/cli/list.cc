#include <algorithm>
#include <cstdio>

#include "base/printable.h"
#include "cli/commands.h"

namespace ns {

namespace {

struct ListFlags {
  ServiceTarget target;
  std::string state, label;
  int limit = 100;
  int after = 0;
};

int List(const ListFlags& flags) {
  std::string query = fmt::format("after={}&limit={}", flags.after, flags.limit);
  if (!flags.state.empty()) query += "&status=" + flags.state;
  if (!flags.label.empty()) query += "&label=" + ApiClient::Escaped(flags.label);
  auto body = Connect(flags.target).ListJson(query);
  if (!body.ok()) return Fail(body.status());
  if (flags.target.json) return std::printf("%s\n", body->c_str()), 0;
  auto tasks = ParseTaskList(*body);
  if (!tasks.ok()) return Fail(tasks.status());
  std::printf("%-32s  %-9s  %-20s  %s\n", "ID", "STATUS", "SUBMITTED", "NAME");
  for (const TaskSummary& task : *tasks) {
    std::string time = task.submitted ? FormatTime(*task.submitted).substr(0, 19) + "Z" : "";
    std::printf("%-32s  %-9s  %-20s  %s\n", task.id.c_str(), std::string(TaskStateName(task.state)).c_str(), time.c_str(), Printable(task.name).c_str());
  }
  if (tasks->size() == static_cast<size_t>(flags.limit)) {
    std::fprintf(stderr, "There may be more: --after %lld\n", static_cast<long long>(tasks->back().order));
  }
  return 0;
}

}  // namespace

void AddList(CommandLine& line) {
  auto flags = std::make_shared<ListFlags>();
  Command command = line.Add("list", "List tasks, oldest first", "Tasks");
  command.Choice("--status", &flags->state, {"pending", "running", "done", "failed", "cancelled"}, "Only these")
      .Option("--labels", &flags->label, "Only tasks with this label")
      .ValueName("NAME=VALUE")
      .Option("--limit", &flags->limit, "At most so many", 1, 1000)
      .Option("--after", &flags->after, "Only tasks with a larger order number", 0, 2'000'000'000);
  AddTarget(command, &flags->target);
  command.Runs([flags] { return List(*flags); });
}

}  // namespace ns
