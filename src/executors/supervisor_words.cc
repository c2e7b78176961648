// The supervisor's command line.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "executors/supervisor.h"
#include "tasks/team_files.h"

namespace ns {

namespace {

bool ToNumber(std::string_view text, int* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// "2:5": worker and fence.
bool AddMember(std::string_view text, SupervisorOptions* options) {
  size_t colon = text.find(':');
  int worker = 0, fence = 0;
  if (colon == std::string_view::npos || !ToNumber(text.substr(0, colon), &worker) || !ToNumber(text.substr(colon + 1), &fence)) return false;
  options->members[worker] = fence;
  return true;
}

bool SetLockWait(std::string_view text, SupervisorOptions* options) {
  int seconds = 0;
  if (!ToNumber(text, &seconds)) return false;
  options->lock_wait = std::chrono::seconds(seconds);
  return true;
}

struct Word {
  std::string_view name;
  bool (*set)(const std::string& value, SupervisorOptions* options);
};
constexpr Word kWords[] = {
    {"--task-folder", [](const std::string& value, SupervisorOptions* options) { return options->task_folder = value, true; }},
    {"--log", [](const std::string& value, SupervisorOptions* options) { return options->log_file = value, true; }},
    {"--attempt", [](const std::string& value, SupervisorOptions* options) { return ToNumber(value, &options->attempt); }},
    {"--core", [](const std::string& value, SupervisorOptions* options) { return ToNumber(value, &options->cores.emplace_back()); }},
    {"--node-core", [](const std::string& value, SupervisorOptions* options) { return ToNumber(value, &options->node_cores.emplace_back()); }},
    {"--pick-cores", [](const std::string& value, SupervisorOptions* options) { return ToNumber(value, &options->pick_cores); }},
    {"--lock-wait", [](const std::string& value, SupervisorOptions* options) { return SetLockWait(value, options); }},
    {"--elsewhere", [](const std::string& value, SupervisorOptions* options) { return options->elsewhere = value == "1", true; }},
    {"--member", [](const std::string& value, SupervisorOptions* options) { return AddMember(value, options); }},
};

}  // namespace

std::vector<std::string> SupervisorWords(const SupervisorOptions& options) {
  std::vector<std::string> words = {"--task-folder", options.task_folder.string(), "--attempt", std::to_string(options.attempt)};
  if (!options.log_file.empty()) words.insert(words.end(), {"--log", options.log_file.string()});
  for (int core : options.cores) words.insert(words.end(), {"--core", std::to_string(core)});
  if (options.pick_cores > 0) words.insert(words.end(), {"--pick-cores", std::to_string(options.pick_cores)});
  for (int core : options.node_cores) words.insert(words.end(), {"--node-core", std::to_string(core)});
  if (options.lock_wait != SupervisorOptions().lock_wait) words.insert(words.end(), {"--lock-wait", std::to_string(options.lock_wait.count())});
  if (options.elsewhere) words.insert(words.end(), {"--elsewhere", "1"});
  for (const auto& [worker, fence] : options.members) words.insert(words.end(), {"--member", fmt::format("{}:{}", worker, fence)});
  return words;
}

std::optional<SupervisorOptions> ParseSupervisorWords(const std::vector<std::string>& words) {
  SupervisorOptions options;
  for (size_t at = 0; at < words.size(); at += 2) {
    auto word = std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& one) { return one.name == words[at]; });
    if (at + 1 == words.size() || word == std::end(kWords) || !word->set(words[at + 1], &options)) return std::nullopt;
  }
  return options.task_folder.empty() ? std::nullopt : std::optional(options);
}

bool BecomeMember(SupervisorOptions* options) {
  if (options->members.empty()) return true;
  const char* number = std::getenv("SLURM_ARRAY_TASK_ID");
  auto member = options->members.find(number == nullptr ? 0 : std::atoi(number));
  if (member == options->members.end()) return false;
  options->task_folder = WorkerFolder(options->task_folder, member->first);
  options->attempt = member->second;
  return true;
}

}  // namespace ns
