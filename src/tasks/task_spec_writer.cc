// The writing half of task_spec_codec.h.
#include "tasks/json_reader.h"
#include "tasks/task_event.h"
#include "tasks/task_spec_codec.h"

namespace ns {

namespace {

// Sets `name` when it differs from what an absent field means.
template <typename T>
void Set(Json& json, const char* name, const T& value, const T& when_absent) {
  if (!(value == when_absent)) json[name] = value;
}

Json CriterionJson(const CriterionSpec& criterion) {
  Json json = {{"criterion", criterion.relative ? "relative" : "absolute"}, {"tolerable_loss", criterion.tolerable_loss}};
  if (criterion.higher_is_better) json["higher_is_better"] = *criterion.higher_is_better;
  return json;
}

Json MetricJson(const MetricSpec& metric) {
  if (metric.parameters.empty() && !metric.criterion) return metric.name;
  Json json = {{"name", metric.name}};
  if (!metric.parameters.empty()) json["parameters"] = metric.parameters;
  if (metric.criterion) json.update(CriterionJson(*metric.criterion));
  return json;
}

Json DatasetJson(const DatasetSpec& dataset) {
  const DatasetSpec absent;
  Json json = {{"path", dataset.path}};
  Set(json, "calibration", dataset.calibration_path, absent.calibration_path);
  if (dataset.calibration_rows) {
    json["calibration"] = fmt::format("{}:{}", dataset.calibration_rows->begin, dataset.calibration_rows->end);
  }
  Json columns = Json::object();
  Set(columns, "text", dataset.columns.text, absent.columns.text);
  Set(columns, "text_pair", dataset.columns.text_pair, absent.columns.text_pair);
  Set(columns, "label", dataset.columns.label, absent.columns.label);
  Set(columns, "inputs", dataset.columns.inputs, absent.columns.inputs);
  if (!columns.empty()) json["columns"] = columns;
  if (dataset.calibration_samples) json["calibration_samples"] = *dataset.calibration_samples;
  Set(json, "evaluation_samples", dataset.evaluation_samples, absent.evaluation_samples);
  Set(json, "batch_size", dataset.batch_size, absent.batch_size);
  return json;
}

Json TuningJson(const TuningSpec& tuning) {
  const TuningSpec absent;
  Json json = Json::object();
  Set(json, "strategy", tuning.strategy, absent.strategy);
  Set(json, "max_trials", tuning.max_trials, absent.max_trials);
  Set(json, "timeout", tuning.timeout_seconds, absent.timeout_seconds);
  if (tuning.objectives != absent.objectives) {
    Json list = Json::array();
    for (const ObjectiveSpec& one : tuning.objectives) list.push_back({{"objective", one.objective}, {"weight", one.weight}});
    json["objective"] = list;
  }
  if (tuning.latency != absent.latency) json["latency"] = {{"threads", tuning.latency.threads}, {"batch", tuning.latency.batch}};
  Json limits = Json::object();
  Set(limits, "dtypes", tuning.quantization.dtypes, {});
  Set(limits, "granularities", tuning.quantization.granularities, {});
  Set(limits, "calibration_methods", tuning.quantization.calibration_methods, {});
  Set(limits, "excluded_operators", tuning.quantization.excluded_operators, {});
  if (!limits.empty()) json["quantization"] = limits;
  Set(json, "recipes", tuning.recipes, {});
  Set(json, "seed", tuning.seed, absent.seed);
  Set(json, "cache", tuning.cache, absent.cache);
  Set(json, "stop_at_goal", tuning.stop_at_goal, absent.stop_at_goal);
  return json;
}

bool IsNumber(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::string TaskSpecToJson(const TaskSpec& spec) {
  const TaskSpec absent;
  Json json = Json::object();
  Set(json, "script_url", spec.script_url, absent.script_url);
  Set(json, "optimized", spec.optimized, absent.optimized);
  Set(json, "arguments", spec.arguments, absent.arguments);
  Set(json, "requirements", spec.requirements, absent.requirements);
  Set(json, "model", spec.model, absent.model);
  if (spec.dataset) json["dataset"] = DatasetJson(*spec.dataset);
  if (spec.metrics.size() == 1) json["metric"] = MetricJson(spec.metrics[0]);
  if (spec.metrics.size() > 1) {
    for (const MetricSpec& metric : spec.metrics) json["metric"].push_back(MetricJson(metric));
  }
  if (spec.accuracy_criterion != absent.accuracy_criterion) json["accuracy_criterion"] = CriterionJson(spec.accuracy_criterion);
  if (Json tuning = TuningJson(spec.tuning); !tuning.empty()) json["tuning"] = tuning;
  json["approach"] = spec.approach_was_ipex ? "static_ipex" : ApproachName(spec.approach);
  Set(json, "workers", spec.workers, absent.workers);
  Set(json, "priority", spec.priority, absent.priority);
  Set(json, "name", spec.name, absent.name);
  Set(json, "labels", spec.labels, absent.labels);
  if (spec.deadline_seconds) json["deadline"] = *spec.deadline_seconds;
  if (spec.deadline_time) json["deadline"] = FormatTime(*spec.deadline_time);
  Set(json, "idempotency_key", spec.idempotency_key, absent.idempotency_key);
  Set(json, "webhook", spec.webhook, absent.webhook);
  return Dump(json);
}

std::string FieldErrorsToJson(const std::vector<FieldError>& errors) {
  Json detail = Json::array();
  for (const FieldError& error : errors) {
    Json loc = Json::array();
    for (const std::string& part : error.loc) {
      if (IsNumber(part)) {
        loc.push_back(std::stoi(part));
      } else {
        loc.push_back(part);
      }
    }
    detail.push_back({{"loc", loc}, {"msg", error.msg}, {"type", error.type}});
  }
  return Dump({{"detail", detail}});
}

std::string FieldErrorsToText(const std::vector<FieldError>& errors) {
  std::string text;
  for (const FieldError& error : errors) {
    if (!text.empty()) text += "; ";
    std::string path;
    for (size_t i = 1; i < error.loc.size(); ++i) path += (path.empty() ? "" : ".") + error.loc[i];
    text += (path.empty() ? "request" : path) + ": " + error.msg;
  }
  return text;
}

}  // namespace ns
