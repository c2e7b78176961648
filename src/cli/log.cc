#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/commands.h"

namespace ns {

namespace {

struct LogFlags {
  ServiceTarget target;
  std::string id;
  bool follow = false;
};

// With -f: what is new, until the task has ended and its log has been read to the end.
int Log(const LogFlags& flags) {
  ApiClient client = Connect(flags.target);
  uint64_t offset = 0;
  while (true) {
    bool ended = !flags.follow;
    if (flags.follow) {
      auto answer = client.GetStatus(flags.id);
      if (!answer.ok()) return Fail(answer.status());
      ended = IsFinal(answer->state);
    }
    auto text = client.Log(flags.id, offset);
    if (!text.ok()) return Fail(text.status());
    std::fwrite(text->data(), 1, text->size(), stdout);
    std::fflush(stdout);
    offset += text->size();
    if (ended) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

}  // namespace

void AddLog(CommandLine& line) {
  auto flags = std::make_shared<LogFlags>();
  Command command = line.Add("log", "Print a task's log", "Tasks");
  command.Option("id", &flags->id, "Task id", /*required=*/true).Flag("-f,--follow", &flags->follow, "Go on until the task has ended");
  AddTarget(command, &flags->target);
  command.Runs([flags] { return Log(*flags); });
}

}  // namespace ns
