// The outpost's command line.
#include <charconv>

#include "outpost/outpost.h"

namespace ns {

namespace {

template <typename Number>
bool ToNumber(std::string_view text, Number* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

bool AddWorker(const std::string& text, OutpostWords* words) {
  size_t colon = text.find(':');
  int worker = 0, fence = 0;
  if (colon == std::string::npos || !ToNumber(std::string_view(text).substr(0, colon), &worker)) return false;
  if (!ToNumber(std::string_view(text).substr(colon + 1), &fence)) return false;
  words->workers[worker] = fence;
  return true;
}

bool Set(const std::string& name, const std::string& value, OutpostWords* words) {
  if (name == "--service") return words->services.push_back(value), true;
  if (name == "--tls-pin") return words->tls_pin = value, true;
  if (name == "--node-folder") return words->node_folder = value, true;
  if (name == "--cache-bytes") return ToNumber(value, &words->cache_bytes);
  if (name == "--task") return words->task = value, true;
  if (name == "--worker") return AddWorker(value, words);
  return false;
}

}  // namespace

std::vector<std::string> OutpostCommand(const std::string& program, const OutpostWords& words) {
  std::vector<std::string> command = {program, "outpost", "--node-folder", words.node_folder.string(), "--cache-bytes", std::to_string(words.cache_bytes)};
  for (const std::string& service : words.services) command.insert(command.end(), {"--service", service});
  if (!words.tls_pin.empty()) command.insert(command.end(), {"--tls-pin", words.tls_pin});
  return command;
}

Result<OutpostWords> ParseOutpostWords(const std::vector<std::string>& given) {
  OutpostWords words;
  size_t at = 0;
  for (; at + 1 < given.size() && given[at] != "--"; at += 2) {
    if (!Set(given[at], given[at + 1], &words)) return InvalidArgument(fmt::format("{} {}", given[at], given[at + 1]), "BAD_USAGE");
  }
  if (at < given.size() && given[at] == "--") words.supervisor.assign(given.begin() + static_cast<ptrdiff_t>(at) + 1, given.end());
  bool complete = !words.services.empty() && words.node_folder.is_absolute() && !words.task.empty() && !words.workers.empty() && !words.supervisor.empty();
  if (!complete) return InvalidArgument("--service, --node-folder, --task, --worker and a supervisor are needed", "BAD_USAGE");
  return words;
}

}  // namespace ns
