#include "cli/config_file.h"

#include <algorithm>
#include <cstdlib>

#include "base/edit_distance.h"
#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

std::string_view Trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "value", "\"value\"", "value  # comment".
Result<std::string> ReadValue(std::string_view text) {
  if (text.empty() || text[0] != '"') return std::string(Trim(text.substr(0, text.find(" #"))));
  size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return InvalidArgument("the closing quote is missing");
  std::string_view rest = Trim(text.substr(end + 1));
  if (!rest.empty() && rest[0] != '#') return InvalidArgument("nothing may follow the closing quote");
  return std::string(text.substr(1, end - 1));
}

Result<ConfigEntry> ReadLine(std::string_view line, const std::vector<std::string>& known) {
  size_t equals = line.find('=');
  if (equals == std::string_view::npos) return InvalidArgument(fmt::format("write \"name = value\", not '{}'", line));
  ConfigEntry entry;
  entry.name = std::string(Trim(line.substr(0, equals)));
  if (std::find(known.begin(), known.end(), entry.name) == known.end()) {
    auto nearest = Nearest(entry.name, known);
    return InvalidArgument(fmt::format("'{}' is no option{}", entry.name, nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  }
  NS_ASSIGN_OR_RETURN(entry.value, ReadValue(Trim(line.substr(equals + 1))));
  return entry;
}

}  // namespace

std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  size_t least = std::max<size_t>(2, word.size() / 2) + 1;
  for (const std::string& name : known) {
    size_t distance = EditDistance(word, name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

const ConfigEntry* ConfigFile::Find(const std::string& name) const {
  for (const ConfigEntry& entry : entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Result<ConfigFile> ParseConfig(const fs::path& path, std::string_view text, const std::vector<std::string>& known) {
  ConfigFile file{path, {}};
  int number = 0;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    auto entry = ReadLine(line, known);
    if (!entry.ok()) return InvalidArgument(fmt::format("{}:{}: {}", path.string(), number, entry.status().message()), "BAD_CONFIG");
    if (const ConfigEntry* before = file.Find(entry->name)) {
      return InvalidArgument(fmt::format("{}:{}: '{}' stands in line {} already", path.string(), number, entry->name, before->line), "BAD_CONFIG");
    }
    entry->line = number;
    file.entries.push_back(std::move(*entry));
  }
  return file;
}

Result<ConfigFile> LoadConfig(const std::string& given, const std::vector<std::string>& known) {
  std::string named = given.empty() ? Environment("NEURAL_SOLUTION_CONFIG") : given;
  std::vector<fs::path> candidates;
  if (!named.empty()) {
    candidates.emplace_back(named);
  } else {
    std::string home = Environment("XDG_CONFIG_HOME");
    if (home.empty() && !Environment("HOME").empty()) home = Environment("HOME") + "/.config";
    if (!home.empty()) candidates.push_back(fs::path(home) / "neural_solution.conf");
    candidates.emplace_back("/etc/neural_solution.conf");
  }
  for (const fs::path& path : candidates) {
    auto text = ReadFile(path, kMaxBytes);
    if (text.ok()) return ParseConfig(path, *text, known);
    if (!named.empty() || text.status().code() != StatusCode::kNotFound) return text.status().WithContext("the configuration file");
  }
  return ConfigFile{};
}

}  // namespace ns
