#include <cstdio>

#include "cli/commands.h"
#include "cli/wait.h"

namespace ns {

namespace {

void Line(const char* name, const std::string& value) {
  if (!value.empty()) std::printf("%-12s %s\n", name, value.c_str());
}

std::string Time(const std::optional<WallTime>& time) { return time ? FormatTime(*time) : ""; }

void Print(const std::string& id, const StatusAnswer& answer) {
  Line("id", id);
  Line("name", answer.name);
  Line("status", std::string(TaskStateName(answer.state)));
  Line("reason", answer.reason);
  Line("message", answer.message);
  if (answer.state == TaskState::kRunning) Line("progress", ProgressLine(answer));
  if (answer.attempt > 1) Line("attempt", std::to_string(answer.attempt));
  if (answer.progress.baseline) Line("baseline", fmt::format("{} {:.4f}", answer.progress.baseline->metric, answer.progress.baseline->accuracy));
  if (answer.result) {
    Line("result", fmt::format("{} {:.4f}", answer.result->metric, answer.result->accuracy));
    Line("verdict", answer.result->verdict);
  }
  Line("submitted", Time(answer.submitted));
  Line("started", Time(answer.started));
  Line("ended", Time(answer.ended));
  Line("download", answer.result_path);
}

}  // namespace

void AddShow(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("show", "Show a task", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true);
  AddTarget(command, &options->target);
  command.Runs([options] {
    auto body = Connect(options->target).StatusJson(options->id);
    if (!body.ok()) return Fail(body.status());
    if (options->target.json) return std::printf("%s\n", body->c_str()), 0;
    auto answer = ParseStatusAnswer(*body);
    if (!answer.ok()) return Fail(answer.status());
    Print(options->id, *answer);
    return 0;
  });
}

}  // namespace ns
