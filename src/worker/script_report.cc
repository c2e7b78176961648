#include "worker/script_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace ns {

namespace {

using Json = nlohmann::json;

Status Wrong(const char* name, const char* wanted) {
  return InvalidArgument(fmt::format("the script's report: '{}' is not {}", name, wanted), "BAD_SCRIPT_REPORT");
}

Status Read(const Json& json, const char* name, std::string* out) {
  auto found = json.find(name);
  if (found == json.end() || found->is_null()) return OkStatus();
  if (!found->is_string()) return Wrong(name, "a string");
  *out = found->get<std::string>();
  return OkStatus();
}

Status Read(const Json& json, const char* name, std::optional<double>* out) {
  auto found = json.find(name);
  if (found == json.end() || found->is_null()) return OkStatus();
  if (!found->is_number() || !std::isfinite(found->get<double>())) return Wrong(name, "a number");
  *out = found->get<double>();
  return OkStatus();
}

}  // namespace

Result<ScriptReport> ParseScriptReport(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return InvalidArgument("the script's report is not a JSON object", "BAD_SCRIPT_REPORT");
  ScriptReport report;
  NS_RETURN_IF_ERROR(Read(json, "model", &report.model));
  NS_RETURN_IF_ERROR(Read(json, "metric", &report.metric));
  NS_RETURN_IF_ERROR(Read(json, "accuracy", &report.accuracy));
  NS_RETURN_IF_ERROR(Read(json, "baseline_accuracy", &report.baseline_accuracy));
  NS_RETURN_IF_ERROR(Read(json, "duration", &report.duration));
  NS_RETURN_IF_ERROR(Read(json, "baseline_duration", &report.baseline_duration));
  if (auto goal = json.find("goal_met"); goal != json.end() && !goal->is_null()) {
    if (!goal->is_boolean()) return Wrong("goal_met", "true or false");
    report.goal_met = goal->get<bool>();
  }
  return report;
}

}  // namespace ns
