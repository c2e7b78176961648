#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/commands.h"

namespace ns {

namespace {

constexpr auto kAgain = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::seconds(60);  // with a service that does not answer: it may be restarting

struct LogFlags {
  ServiceTarget target;
  std::string id;
  bool follow = false;
};

// Prints as it comes; with --json a line at a time, the last one as far as it goes.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}
  ~Printer() {
    if (!held_.empty()) Line(held_);
  }
  void Print(std::string_view text) {
    if (!json_) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    } else {
      held_ += text;
      size_t begin = 0;
      for (size_t end; (end = held_.find('\n', begin)) != std::string::npos; begin = end + 1) Line(std::string_view(held_).substr(begin, end - begin));
      held_.erase(0, begin);
    }
    std::fflush(stdout);
  }

 private:
  static void Line(std::string_view line) { std::printf("%s\n", LogLineJson(line).c_str()); }
  const bool json_;
  std::string held_;
};

// With -f: what is there, then each piece as it is written, until the task has ended; after a break from where it had come.
int Log(const LogFlags& flags) {
  ApiClient client = Connect(flags.target);
  Printer printer(flags.target.json);
  uint64_t offset = 0;
  auto reached = std::chrono::steady_clock::now();
  while (true) {
    Status status = client.ReadLog(flags.id, offset, flags.follow, [&](std::string_view text) {
      reached = std::chrono::steady_clock::now();
      offset += text.size();
      printer.Print(text);
    });
    if (status.ok()) return 0;
    bool passing = flags.follow && status.code() == StatusCode::kUnavailable && std::chrono::steady_clock::now() - reached < kPatience;
    if (!passing || (offset == 0 && status.reason() == "NO_SERVICE")) return Fail(status);
    std::this_thread::sleep_for(kAgain);
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
