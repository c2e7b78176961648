#include "tasks/step_plan.h"

#include "tasks/json_fields.h"

namespace ns {

namespace {

Json ToJson(const Step& step) {
  Json json = {{"name", step.name}, {"argv", step.argv}};
  if (!step.environment.empty()) json["environment"] = step.environment;
  if (step.time_limit_seconds > 0) json["time_limit_seconds"] = step.time_limit_seconds;
  SetUnlessEmpty(json, "failure_reason", step.failure_reason);
  return json;
}

std::vector<std::string> Strings(const Json& json, const char* name) {
  std::vector<std::string> strings;
  auto found = json.find(name);
  if (found == json.end() || !found->is_array()) return strings;
  for (const Json& item : *found) {
    if (item.is_string()) strings.push_back(item.get<std::string>());
  }
  return strings;
}

Step ReadStep(const Json& json) {
  Step step;
  Get(json, "name", &step.name);
  step.argv = Strings(json, "argv");
  if (auto found = json.find("environment"); found != json.end() && found->is_object()) {
    for (const auto& [name, value] : found->items()) {
      if (value.is_string()) step.environment[name] = value.get<std::string>();
    }
  }
  Get(json, "time_limit_seconds", &step.time_limit_seconds);
  Get(json, "failure_reason", &step.failure_reason);
  return step;
}

}  // namespace

std::string StepPlanToJson(const StepPlan& plan) {
  Json json = {{"attempt", plan.attempt}, {"work_folder", plan.work_folder.string()}, {"steps", Json::array()}};
  for (const Step& step : plan.steps) json["steps"].push_back(ToJson(step));
  return Dump(json, 2) + "\n";
}

Result<StepPlan> ParseStepPlan(std::string_view text) {
  auto bad = [](std::string_view why) { return InvalidArgument(fmt::format("not a step plan: {}", why), "BAD_STEP_PLAN"); };
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return bad("it is not a JSON object");
  StepPlan plan;
  std::string work_folder;
  if (!Get(*json, "attempt", &plan.attempt)) return bad("no attempt");
  if (!Get(*json, "work_folder", &work_folder)) return bad("no work_folder");
  plan.work_folder = work_folder;
  auto steps = json->find("steps");
  if (steps == json->end() || !steps->is_array() || steps->empty()) return bad("no steps");
  for (const Json& step : *steps) {
    if (!step.is_object()) return bad("a step is not an object");
    plan.steps.push_back(ReadStep(step));
    if (plan.steps.back().name.empty() || plan.steps.back().argv.empty()) return bad("a step without name or argv");
  }
  return plan;
}

}  // namespace ns
