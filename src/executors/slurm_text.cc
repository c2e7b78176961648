#include "executors/slurm_text.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace ns {

namespace {

template <typename Each>
void ForEachLine(std::string_view text, const Each& each) {
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) each(text.substr(at, end - at));
    at = end + 1;
  }
}

std::vector<std::string> Fields(std::string_view line, char separator) {
  std::vector<std::string> fields;
  for (size_t at = 0; at <= line.size();) {
    size_t end = std::min(line.find(separator, at), line.size());
    fields.emplace_back(line.substr(at, end - at));
    at = end + 1;
  }
  return fields;
}

bool ToNumber(std::string_view text, int* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// "None" and "(null)" are Slurm's words for nothing.
std::string Word(std::string text) { return text == "None" || text == "none" || text == "(null)" || text == "n/a" || text == "None assigned" ? "" : text; }

// "3:9": exit code and signal.
void ReadExit(const std::string& text, SlurmEnd* end) {
  std::vector<std::string> parts = Fields(text, ':');
  if (parts.size() != 2) return;
  (void)ToNumber(parts[0], &end->exit_code);
  (void)ToNumber(parts[1], &end->signal);
}

// The value of " Name=value " in scontrol's line; values with blanks are none of those that are asked for.
std::string Value(std::string_view text, std::string_view name) {
  std::string key = " " + std::string(name) + "=";
  size_t at = text.find(key);
  if (at == std::string_view::npos) return "";
  at += key.size();
  return std::string(text.substr(at, std::min(text.find_first_of(" \n", at), text.size()) - at));
}

}  // namespace

SlurmPhase PhaseOf(std::string_view state) {
  static const std::set<std::string_view> over = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED",  "NODE_FAIL",
                                                  "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"};
  static const std::set<std::string_view> running = {"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "RESIZING", "SUSPENDED", "STOPPED"};
  if (over.contains(state)) return SlurmPhase::kOver;
  return running.contains(state) ? SlurmPhase::kRunning : SlurmPhase::kWaiting;
}

std::vector<SlurmJob> ParseSqueue(std::string_view text) {
  std::vector<SlurmJob> jobs;
  ForEachLine(text, [&](std::string_view line) {
    std::vector<std::string> fields = Fields(line, '|');
    if (fields.size() == 4 && !fields[0].empty()) jobs.push_back({fields[0], fields[1], Word(fields[2]), Word(fields[3]), PhaseOf(fields[1])});
  });
  return jobs;
}

Result<std::string> ParseSbatch(std::string_view text) {
  std::string_view id = text.substr(0, text.find_first_of(";\n"));
  bool digits = !id.empty() && id.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return Unavailable(fmt::format("sbatch answered '{}', which is no job's number", text.substr(0, 200)), "BAD_ANSWER");
  return std::string(id);
}

std::string ToString(const SlurmEnd& end) {
  std::string how = end.signal != 0 ? fmt::format("signal {}", end.signal) : fmt::format("exit code {}", end.exit_code);
  std::string text = end.state + (end.node.empty() ? "" : " on " + end.node) + (end.elapsed.empty() ? "" : " after " + end.elapsed) + ", " + how;
  return end.restarts > 0 ? fmt::format("{}, queued again {} times", text, end.restarts) : text;
}

std::optional<SlurmEnd> ParseScontrolJob(std::string_view text) {
  SlurmEnd end;
  end.state = Value(text, "JobState");
  if (end.state.empty()) return std::nullopt;
  ReadExit(Value(text, "ExitCode"), &end);
  end.elapsed = Value(text, "RunTime");
  end.node = Word(Value(text, "NodeList"));
  (void)ToNumber(Value(text, "Restarts"), &end.restarts);
  return end;
}

std::optional<SlurmEnd> ParseSacct(std::string_view text) {
  std::optional<SlurmEnd> last;
  ForEachLine(text, [&](std::string_view line) {
    std::vector<std::string> fields = Fields(line, '|');
    if (fields.size() != 5) return;
    last.emplace();
    last->state = fields[1].substr(0, fields[1].find(' '));  // "CANCELLED by 0"
    ReadExit(fields[2], &*last);
    last->elapsed = fields[3];
    last->node = Word(fields[4]);
  });
  return last;
}

std::vector<NodeView> ParseSinfo(std::string_view text, int cores_per_worker) {
  std::vector<NodeView> nodes;
  std::set<std::string> names;
  ForEachLine(text, [&](std::string_view line) {
    std::vector<std::string> fields = Fields(line, '|');
    int cores = 0, idle = 0, allocated = 0;
    std::vector<std::string> use = fields.size() < 5 ? std::vector<std::string>() : Fields(fields[3], '/');
    bool good = use.size() == 4 && ToNumber(fields[2], &cores) && ToNumber(use[0], &allocated) && ToNumber(use[1], &idle);
    if (!good || !names.insert(fields[0]).second) return;
    NodeView node;
    node.id = static_cast<int64_t>(nodes.size()) + 1;
    node.spec = {fields[0], std::max(1, cores / cores_per_worker), std::min(cores, cores_per_worker)};
    node.free = idle / cores_per_worker;
    node.busy = allocated / cores_per_worker;
    std::string state = fields[1];
    bool usable = state == "idle" || state == "mixed" || state == "allocated" || state == "completing" || state == "planned" || state == "reserved";
    std::string reason = Word(fields[4]);
    if (!usable) node.trouble = "Slurm says " + state + (reason.empty() ? "" : ": " + reason);
    nodes.push_back(std::move(node));
  });
  return nodes;
}

}  // namespace ns
