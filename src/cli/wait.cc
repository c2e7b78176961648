#include "cli/wait.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "base/printable.h"
#include "cli/commands.h"

namespace ns {

namespace {

constexpr auto kAgain = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::seconds(60);  // with a service that does not answer: it may be restarting
constexpr int kBarWidth = 24;

double Share(const StatusAnswer& answer) {
  if (answer.progress.total <= 0) return 0;
  return std::clamp(answer.progress.done / answer.progress.total, 0.0, 1.0);
}

std::string Bar(double share) {
  int full = static_cast<int>(std::lround(share * kBarWidth));
  return "[" + std::string(static_cast<size_t>(full), '#') + std::string(static_cast<size_t>(kBarWidth - full), '.') + "]";
}

// On a terminal the newest line replaces the one before; else each different one is printed once.
class Display {
 public:
  Display() : terminal_(::isatty(1) == 1) {}
  void Show(const StatusAnswer& answer) {
    std::string line = terminal_ ? Bar(Share(answer)) + " " + ProgressLine(answer) : Step(answer);
    if (line == last_) return;
    last_ = line;
    std::printf(terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
    std::fflush(stdout);
  }
  void End() {
    if (terminal_ && !last_.empty()) std::printf("\r\033[K");
  }

 private:
  // Without the moving parts, so that a log of it stays short.
  static std::string Step(const StatusAnswer& answer) {
    StatusAnswer still = answer;
    still.progress.total = 0;
    still.progress.seconds_left.reset();
    return ProgressLine(still);
  }
  const bool terminal_;
  std::string last_;
};

int PrintEnd(const StatusAnswer& answer, const std::string& id) {
  if (answer.state != TaskState::kDone) {
    std::printf("%s %s%s%s\n", id.c_str(), std::string(TaskStateName(answer.state)).c_str(), answer.message.empty() ? "" : ": ", Printable(answer.message).c_str());
    return 1;
  }
  std::printf("%s done: %s\n", id.c_str(), answer.result ? Printable(answer.result->verdict).c_str() : "");
  if (answer.progress.baseline && answer.result) {
    std::printf("  %s %.4f (before: %.4f), %.1f s\n", answer.result->metric.c_str(), answer.result->accuracy, answer.progress.baseline->accuracy,
                answer.result->optimization_seconds);
  }
  std::printf("  %s\n", answer.result_path.c_str());
  return 0;
}

// Follows the events from the first on; returns when the task has ended, or the service is out of reach for too long.
class Follower {
 public:
  Follower(const ApiClient& client, std::string id, bool quiet) : client_(client), id_(std::move(id)), quiet_(quiet) {}

  Status Run() {
    auto reached = std::chrono::steady_clock::now();
    while (true) {
      uint64_t before = after_;
      Status status = Connect();
      if (ended_) return OkStatus();
      auto now = std::chrono::steady_clock::now();
      if (status.ok() || after_ != before) reached = now;
      if (!status.ok() && status.code() != StatusCode::kUnavailable) return status;
      if (now - reached > kPatience) return status;
      std::this_thread::sleep_for(kAgain);
    }
  }
  void EndDisplay() { display_.End(); }

 private:
  Status Connect() {
    NS_ASSIGN_OR_RETURN(StatusAnswer now, client_.GetStatus(id_));
    answer_.message = now.message;
    answer_.state = now.state;
    if (!IsFinal(now.state)) Show();
    return client_.FollowEvents(id_, after_, [this](const TaskEvent* event) { Take(event); });
  }

  // null: nothing has happened for a while. Why a task waits may have changed all the same.
  void Take(const TaskEvent* event) {
    if (event == nullptr) {
      if (answer_.state != TaskState::kPending) return;
      auto now = client_.GetStatus(id_);
      if (now.ok()) answer_.message = now->message;
      return Show();
    }
    after_ = event->seq;
    answer_.progress.Apply(event->payload);
    auto* state = std::get_if<StateEvent>(&event->payload);
    bool submission = state != nullptr && state->state == TaskState::kPending && state->reason.empty();  // the status is newer
    if (state != nullptr && !submission) {
      answer_.state = state->state;
      ended_ = IsFinal(state->state);
    }
    if (!ended_) Show();
  }

  void Show() {
    if (!quiet_) display_.Show(answer_);
  }

  const ApiClient& client_;
  const std::string id_;
  const bool quiet_;
  Display display_;
  StatusAnswer answer_;
  uint64_t after_ = 0;
  bool ended_ = false;
};

}  // namespace

std::string ProgressLine(const StatusAnswer& answer) {
  const TaskProgress& progress = answer.progress;
  if (answer.state == TaskState::kPending) return answer.message.empty() ? "pending" : "pending: " + answer.message;
  std::string line = progress.stage.empty() ? std::string(TaskStateName(answer.state)) : progress.stage;
  if (progress.total > 0) line += fmt::format(" {:.0f}%", 100 * Share(answer));
  if (progress.baseline) line += fmt::format(" | baseline {:.4f}", progress.baseline->accuracy);
  if (progress.best) line += fmt::format(" | best {:.4f} (trial {})", progress.best->accuracy, progress.best->index);
  if (progress.seconds_left && *progress.seconds_left > 0) line += fmt::format(" | about {:.0f} s left", *progress.seconds_left);
  return line;
}

int WaitForTask(const ApiClient& client, const std::string& id, bool json) {
  Follower follower(client, id, json);
  Status status = follower.Run();
  follower.EndDisplay();
  if (!status.ok()) return Fail(status);
  auto body = client.StatusJson(id);
  auto answer = body.ok() ? ParseStatusAnswer(*body) : Result<StatusAnswer>(body.status());
  if (!answer.ok()) return Fail(answer.status());
  if (json) return std::printf("%s\n", body->c_str()), answer->state == TaskState::kDone ? 0 : 1;
  return PrintEnd(*answer, id);
}

void AddWait(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("wait", "Follow a task to its end; exit code 0 when it is done, 1 when it failed", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true);
  AddTarget(command, &options->target);
  command.Runs([options] { return WaitForTask(Connect(options->target), options->id, options->target.json); });
}

}  // namespace ns
