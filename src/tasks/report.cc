#include "tasks/report.h"

#include "tasks/json_fields.h"
#include "tasks/operator_report_codec.h"
#include "tasks/session_settings_codec.h"

namespace ns {

namespace {

Json ToJson(const ModelFigures& figures) {
  return {{"metric", figures.metric.empty() ? Json::object() : Json(figures.metric)},
          {"size_bytes", figures.size_bytes},
          {"latency_ms",
           {{"median", figures.latency_ms.median},
            {"p95", figures.latency_ms.p95},
            {"batch", figures.latency_ms.batch},
            {"threads", figures.latency_ms.threads}}},
          {"peak_memory_bytes", figures.peak_memory_bytes}};
}

Json ToJson(const OperatorReport& one) { return OperatorJson(one); }

Json ToJson(const GoalReport& goal) { return {{"metric", goal.metric}, {"limit", goal.limit}, {"higher_is_better", goal.higher_is_better}}; }

Json ToJson(const TrialReport& trial) {
  Json json = {{"index", trial.index},
               {"configuration", trial.configuration},
               {"metric", trial.metric.empty() ? Json::object() : Json(trial.metric)},
               {"rows", trial.rows},
               {"meets_criterion", trial.meets_criterion}};
  SetOptional(json, "latency_ms", trial.latency_ms);
  SetOptional(json, "size_bytes", trial.size_bytes);
  SetUnlessEmpty(json, "worker", trial.worker);
  SetUnlessEmpty(json, "started", trial.started);
  json["seconds"] = trial.seconds;
  SetUnlessEmpty(json, "note", trial.note);
  return json;
}

Json ToJson(const ParetoPoint& point) {
  Json json = {{"trial", point.trial}, {"accuracy", point.accuracy}, {"latency_ms", point.latency_ms}, {"size_bytes", point.size_bytes},
               {"model", point.model}, {"recipe", point.recipe}};
  if (!point.note.empty()) json["note"] = point.note;
  return json;
}

Json ToJson(const EnvironmentReport& environment) {
  return {{"versions", environment.versions.empty() ? Json::object() : Json(environment.versions)},
          {"cpu", environment.cpu},
          {"cpu_features", environment.cpu_features},
          {"threads", environment.threads},
          {"cores", environment.cores}};
}

Json ToJson(const InputReport& input) { return {{"role", input.role}, {"path", input.path}, {"sha256", input.sha256}}; }

Json ToJson(const Guess& guess) { return {{"what", guess.what}, {"value", guess.value}, {"why", guess.why}}; }

template <typename T>
Json ListJson(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(ToJson(item));
  return list;
}

void ReadNumbers(const Json& json, const char* name, std::map<std::string, double>* out) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_object()) return;
  for (const auto& [key, value] : found->items()) Get(*found, key.c_str(), &(*out)[key]);
}

void Read(const Json& json, ModelFigures* out) {
  ReadNumbers(json, "metric", &out->metric);
  Get(json, "size_bytes", &out->size_bytes);
  if (auto latency = json.find("latency_ms"); latency != json.end() && latency->is_object()) {
    Get(*latency, "median", &out->latency_ms.median);
    Get(*latency, "p95", &out->latency_ms.p95);
    Get(*latency, "batch", &out->latency_ms.batch);
    Get(*latency, "threads", &out->latency_ms.threads);
  }
  Get(json, "peak_memory_bytes", &out->peak_memory_bytes);
}

void Read(const Json& json, SpeedUp* out) {
  Get(json, "median", &out->median);
  Get(json, "low", &out->low);
  Get(json, "high", &out->high);
}

void Read(const Json& json, AccuracyDifference* out) {
  Get(json, "value", &out->value);
  Get(json, "low", &out->low);
  Get(json, "high", &out->high);
  Get(json, "note", &out->note);
}

void Read(const Json& json, OperatorReport* out) { ReadOperator(json, out); }

void Read(const Json& json, GoalReport* out) {
  Get(json, "metric", &out->metric);
  Get(json, "limit", &out->limit);
  Get(json, "higher_is_better", &out->higher_is_better);
}

void Read(const Json& json, TrialReport* out) {
  Get(json, "index", &out->index);
  Get(json, "configuration", &out->configuration);
  ReadNumbers(json, "metric", &out->metric);
  Get(json, "rows", &out->rows);
  Get(json, "meets_criterion", &out->meets_criterion);
  GetOptional(json, "latency_ms", &out->latency_ms);
  GetOptional(json, "size_bytes", &out->size_bytes);
  Get(json, "worker", &out->worker);
  Get(json, "started", &out->started);
  Get(json, "seconds", &out->seconds);
  Get(json, "note", &out->note);
}

void Read(const Json& json, ParetoPoint* out) {
  Get(json, "trial", &out->trial);
  Get(json, "accuracy", &out->accuracy);
  Get(json, "latency_ms", &out->latency_ms);
  Get(json, "size_bytes", &out->size_bytes);
  Get(json, "model", &out->model);
  Get(json, "recipe", &out->recipe);
  Get(json, "note", &out->note);
}

void Read(const Json& json, EnvironmentReport* out) {
  if (auto versions = json.find("versions"); versions != json.end() && versions->is_object()) {
    for (const auto& [key, value] : versions->items()) Get(*versions, key.c_str(), &out->versions[key]);
  }
  Get(json, "cpu", &out->cpu);
  Get(json, "cpu_features", &out->cpu_features);
  Get(json, "threads", &out->threads);
  if (auto cores = json.find("cores"); cores != json.end() && cores->is_array()) {
    for (const Json& core : *cores) {
      if (core.is_number_integer()) out->cores.push_back(core.get<int>());
    }
  }
}

void Read(const Json& json, InputReport* out) {
  Get(json, "role", &out->role);
  Get(json, "path", &out->path);
  Get(json, "sha256", &out->sha256);
}

void Read(const Json& json, Guess* out) {
  Get(json, "what", &out->what);
  Get(json, "value", &out->value);
  Get(json, "why", &out->why);
}

template <typename T>
void ReadObject(const Json& json, const char* name, T* out) {
  auto found = json.find(name);
  if (found != json.end() && found->is_object()) Read(*found, out);
}

template <typename T>
void ReadList(const Json& json, const char* name, std::vector<T>* out) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_array()) return;
  for (const Json& item : *found) {
    if (item.is_object()) Read(item, &out->emplace_back());
  }
}

}  // namespace

std::string ReportToJson(const Report& report) {
  Json json;
  json["verdict"] = report.verdict;
  json["goal_met"] = report.goal_met;
  json["baseline"] = ToJson(report.baseline);
  json["optimized"] = ToJson(report.optimized);
  json["speedup"] = {{"median", report.speedup.median}, {"low", report.speedup.low}, {"high", report.speedup.high}};
  if (report.session) json["session"] = SessionSettingsToJson<Json>(*report.session);
  json["accuracy_difference"] = {{"value", report.accuracy_difference.value},
                                 {"low", report.accuracy_difference.low},
                                 {"high", report.accuracy_difference.high}};
  SetUnlessEmpty(json["accuracy_difference"], "note", report.accuracy_difference.note);
  json["evaluation_rows"] = report.evaluation_rows;
  json["full_evaluations"] = report.full_evaluations;
  json["partial_evaluations"] = report.partial_evaluations;
  if (!report.goals.empty()) json["goals"] = ListJson(report.goals);
  json["elapsed_seconds"] = report.elapsed_seconds.empty() ? Json::object() : Json(report.elapsed_seconds);
  json["operators"] = ListJson(report.operators);
  json["trials"] = ListJson(report.trials);
  json["pareto"] = ListJson(report.pareto);
  json["environment"] = ToJson(report.environment);
  json["inputs"] = ListJson(report.inputs);
  json["guesses"] = ListJson(report.guesses);
  json["notes"] = report.notes;
  return Dump(json, 2) + "\n";
}

namespace {

// What is no settings of a session counts as absent, as any field of a wrong type.
std::optional<SessionSettings> ReadSession(const Json& json) {
  try {
    return SessionSettingsFromJson(json);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Result<Report> ParseReport(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return InvalidArgument("a report must be a JSON object", "BAD_REPORT");
  Report report;
  if (!Get(*json, "verdict", &report.verdict)) return InvalidArgument("a report must have a verdict", "BAD_REPORT");
  Get(*json, "goal_met", &report.goal_met);
  ReadObject(*json, "baseline", &report.baseline);
  ReadObject(*json, "optimized", &report.optimized);
  ReadObject(*json, "speedup", &report.speedup);
  if (auto session = json->find("session"); session != json->end()) report.session = ReadSession(*session);
  ReadObject(*json, "accuracy_difference", &report.accuracy_difference);
  Get(*json, "evaluation_rows", &report.evaluation_rows);
  Get(*json, "full_evaluations", &report.full_evaluations);
  Get(*json, "partial_evaluations", &report.partial_evaluations);
  ReadList(*json, "goals", &report.goals);
  ReadNumbers(*json, "elapsed_seconds", &report.elapsed_seconds);
  ReadList(*json, "operators", &report.operators);
  ReadList(*json, "trials", &report.trials);
  ReadList(*json, "pareto", &report.pareto);
  ReadObject(*json, "environment", &report.environment);
  ReadList(*json, "inputs", &report.inputs);
  ReadList(*json, "guesses", &report.guesses);
  if (auto notes = json->find("notes"); notes != json->end() && notes->is_array()) {
    for (const Json& note : *notes) {
      if (note.is_string()) report.notes.push_back(note.get<std::string>());
    }
  }
  return report;
}

}  // namespace ns
