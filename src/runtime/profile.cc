#include "runtime/profile.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "runtime/timing.h"

namespace ns {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = "_kernel_time";

std::string WithoutToken(std::string name) {
  size_t at = name.rfind("_token_");
  bool numbered = at != std::string::npos && at + 7 < name.size() && name.find_first_not_of("0123456789", at + 7) == std::string::npos;
  return numbered ? name.substr(0, at) : name;
}

// A run that is over is an event of its own, behind those of its nodes.
bool IsEndOfRun(const nlohmann::json& event) { return event.value("cat", "") == "Session" && event.value("name", "") == "model_run"; }

// ONNX Runtime writes names as they are: one with a quote or a backslash makes the profile no JSON.
std::string WithEscapedNames(std::string_view json) {
  constexpr std::string_view kBefore = "\"name\" :\"", kAfter = "\",\"args\" : {";
  std::string escaped;
  while (true) {
    size_t before = json.find(kBefore);
    size_t begin = before + kBefore.size(), end = before == json.npos ? json.npos : json.find(kAfter, begin);
    if (end == json.npos) return escaped.append(json);
    std::string name = nlohmann::json(json.substr(begin, end - begin)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    escaped.append(json.substr(0, begin - 1)).append(name);
    json.remove_prefix(end + 1);
  }
}

Result<fs::path> OnlyFile(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) return entry.path();
  return Internal("ONNX Runtime wrote no profile", "BAD_PROFILE");
}

}  // namespace

Result<std::vector<NodeTime>> ParseProfile(std::string_view json, int runs) {
  auto events = nlohmann::json::parse(WithEscapedNames(json), nullptr, /*allow_exceptions=*/false);
  if (!events.is_array()) return Internal("ONNX Runtime's profile is not a list of events", "BAD_PROFILE");
  std::vector<NodeTime> nodes;
  std::vector<std::vector<double>> seconds;  // by node and run
  std::map<std::pair<std::string, std::string>, size_t> known;
  int over = 0;
  for (const auto& event : events) {
    if (!event.is_object()) continue;
    over += IsEndOfRun(event);
    std::string name = event.value("name", "");
    bool counts = over >= 1 && over <= runs && event.value("cat", "") == "Node" && name.ends_with(kSuffix) && event.contains("args");
    if (!counts) continue;
    name = WithoutToken(name.substr(0, name.size() - kSuffix.size()));
    std::string type = event["args"].value("op_name", "");
    auto [entry, added] = known.try_emplace({name, type}, nodes.size());
    if (added) {
      nodes.push_back({name, type, 0});
      seconds.emplace_back(static_cast<size_t>(runs));
    }
    seconds[entry->second][static_cast<size_t>(over - 1)] += event.value("dur", 0.0) / 1e6;
  }
  if (over != runs + 1) return Internal(fmt::format("ONNX Runtime's profile has {} runs, {} were made", over, runs + 1), "BAD_PROFILE");
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i].seconds = Quantile(seconds[i], 0.5);
  return nodes;
}

Result<std::vector<NodeTime>> ProfileNodes(const Model& model, SessionOptions options, std::span<const NamedTensors> rows,
                                           const fs::path& scratch, std::stop_token stop) {
  if (rows.empty()) return InvalidArgument("no rows to profile", "NO_ROWS");
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-profile-", scratch));
  options.profile_prefix = folder.path() / "profile";
  {
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model, options));
    NS_RETURN_IF_ERROR(session.Run(rows[0], {}, stop).status());
    for (const NamedTensors& row : rows) NS_RETURN_IF_ERROR(session.Run(row, {}, stop).status());
  }  // the profile is written when the session goes
  NS_ASSIGN_OR_RETURN(fs::path file, OnlyFile(folder.path()));
  NS_ASSIGN_OR_RETURN(std::string json, ReadFile(file));
  return ParseProfile(json, static_cast<int>(rows.size()));
}

}  // namespace ns
