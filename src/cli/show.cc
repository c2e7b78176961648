#include <cstdio>

#include "base/printable.h"
#include "cli/commands.h"
#include "cli/wait.h"

namespace ns {

namespace {

void Line(const char* name, const std::string& value) {
  if (!value.empty()) std::printf("%-12s %s\n", name, Printable(value).c_str());
}

std::string Time(const std::optional<WallTime>& time) { return time ? FormatTime(*time) : ""; }

// "1 of 4 asked for, at most 2: the cluster has 2 slots"
std::string Workers(const StatusAnswer& answer) {
  if (answer.workers == 0) return "";
  std::string text = fmt::format("{}", answer.workers_now);
  if (answer.workers_now != answer.workers) text += fmt::format(" of {} asked for", answer.workers);
  if (answer.workers_most < answer.workers) text += fmt::format(", at most {}", answer.workers_most);
  return answer.workers_note.empty() ? text : text + ": " + answer.workers_note;
}

// "worker 0 on node3 (Slurm job 12)"
void Where(const StatusAnswer& answer) {
  for (const StatusAnswer::Where& where : answer.where) {
    Line("worker", fmt::format("{}{}{}", where.worker, where.node.empty() ? "" : " on " + where.node, where.note.empty() ? "" : " (" + where.note + ")"));
  }
}

// A line for each, where there was more than one, or the one was lost.
void Attempts(const StatusAnswer& answer) {
  bool first = answer.attempts.size() == 1 && answer.attempts[0].attempt == 1;
  if (first && (answer.attempts[0].outcome.empty() || answer.attempts[0].outcome == TaskStateName(answer.state))) return;
  for (const StatusAnswer::Attempt& attempt : answer.attempts) {
    std::string end = attempt.ended ? " to " + FormatTime(*attempt.ended) : "";
    Line("attempt", fmt::format("{}: {}, {}{}", attempt.attempt, attempt.outcome.empty() ? "running" : attempt.outcome, Time(attempt.started), end));
  }
}

std::string Webhook(const StatusAnswer& answer) {
  if (!answer.webhook) return "";
  const WebhookStatus& webhook = *answer.webhook;
  std::string text = webhook.state;
  if (webhook.delivered) text += " " + FormatTime(*webhook.delivered);
  if (webhook.tries > 0) text += fmt::format(", tries: {}", webhook.tries);
  if (webhook.next) text += ", next " + FormatTime(*webhook.next);
  return webhook.last_error.empty() ? text : text + " (" + webhook.last_error + ")";
}

void Print(const std::string& id, const StatusAnswer& answer) {
  Line("id", id);
  Line("name", answer.name);
  Line("status", std::string(TaskStateName(answer.state)));
  Line("reason", answer.reason);
  Line("message", answer.message);
  if (answer.ahead >= 0) Line("ahead", fmt::format("{} {}", answer.ahead, answer.ahead == 1 ? "task" : "tasks"));
  if (answer.state == TaskState::kRunning) Line("progress", ProgressLine(answer));
  if (answer.progress.estimate) {
    Line("expected", fmt::format("{:.0f} s, {:.0f} MB", answer.progress.estimate->seconds, static_cast<double>(answer.progress.estimate->memory_bytes) / 1e6));
  }
  Line("note", answer.progress.note);
  Line("workers", Workers(answer));
  Where(answer);
  Attempts(answer);
  if (answer.progress.baseline) Line("baseline", fmt::format("{} {:.4f}", answer.progress.baseline->metric, answer.progress.baseline->accuracy));
  if (answer.result) {
    Line("result", fmt::format("{} {:.4f}", answer.result->metric, answer.result->accuracy));
    Line("verdict", answer.result->verdict);
  }
  Line("submitted", Time(answer.submitted));
  Line("started", Time(answer.started));
  Line("ended", Time(answer.ended));
  Line("webhook", Webhook(answer));
  Line("download", answer.result_path);
}

}  // namespace

int ShowTask(const ServiceTarget& target, const std::string& id) {
  auto body = Connect(target).StatusJson(id);
  if (!body.ok()) return Fail(body.status());
  if (target.json) return std::printf("%s\n", body->c_str()), 0;
  auto answer = ParseStatusAnswer(*body);
  if (!answer.ok()) return Fail(answer.status());
  Print(id, *answer);
  return 0;
}

void AddShow(CommandLine& line) {
  struct Options {
    ServiceTarget target;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("show", "Show a task: its status, why it waits, its workers, attempts and result", "Tasks");
  command.Option("id", &options->id, "Task id", /*required=*/true);
  AddTarget(command, &options->target);
  command.Runs([options] { return ShowTask(options->target, options->id); });
}

}  // namespace ns
