#include "tasks/step_plan.h"

#include "tasks/json_fields.h"

namespace ns {

namespace {

Json ToJson(const Step& step) {
  Json json = {{"name", step.name}, {"argv", step.argv}};
  if (!step.environment.empty()) json["environment"] = step.environment;
  if (step.time_limit_seconds > 0) json["time_limit_seconds"] = step.time_limit_seconds;
  SetUnlessEmpty(json, "failure_reason", step.failure_reason);
  json["sandbox"] = {{"network", step.sandbox.network}, {"read_only", step.sandbox.read_only}, {"writable", step.sandbox.writable},
                     {"shared", step.sandbox.shared}};
  return json;
}

Json ToJson(const ResourceLimits& limits) {
  return {{"memory_bytes", limits.memory_bytes}, {"processes", limits.processes},   {"disk_bytes", limits.disk_bytes},
          {"free_disk_bytes", limits.free_disk_bytes}, {"open_files", limits.open_files}};
}

void Read(const Json& json, ResourceLimits* limits) {
  Get(json, "memory_bytes", &limits->memory_bytes);
  Get(json, "processes", &limits->processes);
  Get(json, "disk_bytes", &limits->disk_bytes);
  Get(json, "free_disk_bytes", &limits->free_disk_bytes);
  Get(json, "open_files", &limits->open_files);
}

Json ToJson(const TeamRelayPlan& relay) {
  Json json = {{"side", relay.side == TeamRelayPlan::Side::kLead ? "lead" : "assistant"},
               {"socket", relay.socket.string()},
               {"address_file", relay.address_file.string()}};
  SetUnlessEmpty(json, "network", relay.network);
  return json;
}

TeamRelayPlan ReadRelay(const Json& json) {
  TeamRelayPlan relay;
  std::string side, socket, address_file;
  Get(json, "side", &side);
  Get(json, "socket", &socket);
  Get(json, "address_file", &address_file);
  Get(json, "network", &relay.network);
  relay.side = side == "lead" ? TeamRelayPlan::Side::kLead : TeamRelayPlan::Side::kAssistant;
  relay.socket = socket;
  relay.address_file = address_file;
  return relay;
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
  if (auto found = json.find("sandbox"); found != json.end() && found->is_object()) {
    Get(*found, "network", &step.sandbox.network);
    step.sandbox.read_only = Strings(*found, "read_only");
    step.sandbox.writable = Strings(*found, "writable");
    step.sandbox.shared = Strings(*found, "shared");
  }
  return step;
}

}  // namespace

std::string StepPlanToJson(const StepPlan& plan) {
  Json json = {{"attempt", plan.attempt}, {"work_folder", plan.work_folder.string()}, {"sandbox", plan.sandbox}};
  SetUnlessEmpty(json, "hidden", plan.hidden.string());
  SetUnlessEmpty(json, "environment", plan.environment.string());
  SetUnlessEmpty(json, "cache_folder", plan.cache_folder.string());
  json["limits"] = ToJson(plan.limits);
  if (plan.relay.side != TeamRelayPlan::Side::kNone) json["relay"] = ToJson(plan.relay);
  json["steps"] = Json::array();
  for (const Step& step : plan.steps) json["steps"].push_back(ToJson(step));
  return Dump(json, 2) + "\n";
}

Result<StepPlan> ParseStepPlan(std::string_view text) {
  auto bad = [](std::string_view why) { return InvalidArgument(fmt::format("not a step plan: {}", why), "BAD_STEP_PLAN"); };
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return bad("it is not a JSON object");
  StepPlan plan;
  std::string work_folder, hidden, environment, cache_folder;
  if (!Get(*json, "attempt", &plan.attempt)) return bad("no attempt");
  if (!Get(*json, "work_folder", &work_folder)) return bad("no work_folder");
  Get(*json, "sandbox", &plan.sandbox);
  Get(*json, "hidden", &hidden);
  Get(*json, "environment", &environment);
  Get(*json, "cache_folder", &cache_folder);
  plan.work_folder = work_folder;
  plan.hidden = hidden;
  plan.environment = environment;
  plan.cache_folder = cache_folder;
  if (auto limits = json->find("limits"); limits != json->end() && limits->is_object()) Read(*limits, &plan.limits);
  if (auto relay = json->find("relay"); relay != json->end() && relay->is_object()) plan.relay = ReadRelay(*relay);
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
