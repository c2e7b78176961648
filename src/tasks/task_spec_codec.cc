#include "tasks/task_spec_codec.h"

#include <algorithm>
#include <charconv>

#include "tasks/json_reader.h"
#include "tasks/script_fields.h"
#include "tasks/task_event.h"

namespace ns {

namespace {

constexpr size_t kMaxNameLength = 200;
constexpr size_t kMostErrors = 100;  // that are told of one request

// What a path, an address or an upload stands for is the service's question.
void CheckPath(FieldReader& in, const std::string& field, const std::string& path) {
  if (path.empty()) {
    return in.Error(field, "must not be empty: give a path below the service's --upload_path, an http(s) address, or upload:<id>", "value_error");
  }
  if (path.find('\0') != std::string::npos) in.Error(field, "must not contain a zero byte", "value_error");
}

std::optional<RowRangeSpec> ParseRowRange(const std::string& text) {
  RowRangeSpec range;
  size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const char* end = text.data() + text.size();
  auto first = std::from_chars(text.data(), text.data() + colon, range.begin);
  auto second = std::from_chars(text.data() + colon + 1, end, range.end);
  if (first.ec != std::errc() || second.ec != std::errc() || first.ptr != text.data() + colon || second.ptr != end) return std::nullopt;
  return range;
}

void ReadCalibration(FieldReader& in, DatasetSpec* out) {
  std::string text;
  in.String("calibration", &text);
  if (text.empty()) return;
  bool digits_and_colon = text.find_first_not_of("0123456789:") == std::string::npos;
  if (auto range = ParseRowRange(text)) {
    if (range->begin >= range->end) {
      return in.Error("calibration", fmt::format("the row range \"{}\" holds no row; write \"first:end\", as in \"0:200\"", text), "value_error");
    }
    out->calibration_rows = range;
  } else if (digits_and_colon) {
    in.Error("calibration", fmt::format("must be a path or a row range such as \"0:200\", got \"{}\"", text), "value_error");
  } else {
    CheckPath(in, "calibration", text);
    out->calibration_path = text;
  }
}

DatasetSpec ReadDatasetObject(FieldReader in) {
  DatasetSpec out;
  if (in.Take("path") == nullptr) {
    in.Missing("path", "field required: the data set's path below the service's --upload_path");
  } else {
    std::string path;
    in.String("path", &path);
    if (in.Take("path")->is_string()) CheckPath(in, "path", path);
    out.path = path;
  }
  ReadCalibration(in, &out);
  if (auto columns = in.Object("columns")) {
    columns->String("text", &out.columns.text);
    columns->String("text_pair", &out.columns.text_pair);
    columns->String("label", &out.columns.label);
    columns->StringMap("inputs", &out.columns.inputs);
    columns->Finish();
  }
  in.Integer("calibration_samples", 1, 10'000'000, &out.calibration_samples);
  in.Integer("evaluation_samples", 0, INT64_MAX, &out.evaluation_samples);
  in.Integer("batch_size", 0, 100'000, &out.batch_size);
  in.Finish();
  return out;
}

void ReadDataset(FieldReader& in, TaskSpec* out) {
  const Json* value = in.Take("dataset");
  if (value == nullptr) return;
  if (value->is_string()) {
    out->dataset.emplace();
    out->dataset->path = value->get<std::string>();
    CheckPath(in, "dataset", out->dataset->path);
  } else if (value->is_object()) {
    out->dataset = ReadDatasetObject(FieldReader(*value, in.Loc("dataset"), in.errors()));
  } else {
    in.Error("dataset", "must be a path or an object with a path, got " + Shown(*value), "type_error.dict");
    out->dataset.emplace();  // there, so that it is not reported as missing too
  }
}

void ReadCriterion(FieldReader& in, CriterionSpec* out) {
  std::string kind = out->relative ? "relative" : "absolute";
  in.Choice("criterion", {"relative", "absolute"}, &kind);
  out->relative = kind == "relative";
  in.Number("tolerable_loss", 0, &out->tolerable_loss);
  bool higher = false;
  if (const Json* value = in.Take("higher_is_better")) {
    in.Bool("higher_is_better", &higher);
    if (value->is_boolean()) out->higher_is_better = higher;
  }
}

std::optional<MetricSpec> ReadMetric(const Json& value, std::vector<std::string> loc, std::vector<FieldError>* errors) {
  MetricSpec metric;
  if (value.is_string()) {
    metric.name = value.get<std::string>();
    if (std::find(KnownMetrics().begin(), KnownMetrics().end(), metric.name) == KnownMetrics().end()) {
      errors->push_back({loc, fmt::format("must be {}, got {}", Listed(KnownMetrics()), Shown(value)), "value_error.const"});
      return std::nullopt;
    }
    return metric;
  }
  if (!value.is_object()) {
    errors->push_back({loc, "must be a metric's name or an object with one, got " + Shown(value), "type_error.str"});
    return std::nullopt;
  }
  FieldReader in(value, loc, errors);
  in.Choice("name", KnownMetrics(), &metric.name);
  if (in.Take("name") == nullptr) in.Missing("name", "field required: " + Listed(KnownMetrics()));
  in.StringMap("parameters", &metric.parameters);
  bool own = value.contains("criterion") || value.contains("tolerable_loss") || value.contains("higher_is_better");
  CriterionSpec criterion;
  ReadCriterion(in, &criterion);
  if (own) metric.criterion = criterion;
  in.Finish();
  return metric;
}

void ReadMetrics(FieldReader& in, TaskSpec* out) {
  const Json* value = in.Take("metric");
  if (value == nullptr) return;
  if (!value->is_array()) {
    if (auto metric = ReadMetric(*value, in.Loc("metric"), in.errors())) out->metrics.push_back(*metric);
    return;
  }
  if (value->empty()) return in.Error("metric", "must name at least one metric", "value_error");
  for (size_t i = 0; i < value->size(); ++i) {
    std::vector<std::string> loc = in.Loc("metric");
    loc.push_back(std::to_string(i));
    if (auto metric = ReadMetric((*value)[i], loc, in.errors())) out->metrics.push_back(*metric);
  }
}

const std::vector<std::string>& Objectives() {
  static const std::vector<std::string> names = {"performance", "size", "memory"};
  return names;
}

void ReadObjectives(FieldReader& in, TuningSpec* out) {
  const Json* value = in.Take("objective");
  if (value == nullptr) return;
  if (!value->is_array()) return in.Choice("objective", Objectives(), &out->objectives[0].objective);
  if (value->empty()) return in.Error("objective", "must name at least one objective", "value_error");
  out->objectives.clear();
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& item = (*value)[i];
    if (!item.is_object()) {
      in.Error("objective", i, "must be an object with objective and weight, got " + Shown(item), "type_error.dict");
      continue;
    }
    std::vector<std::string> loc = in.Loc("objective");
    loc.push_back(std::to_string(i));
    FieldReader one(item, loc, in.errors());
    ObjectiveSpec objective;
    one.Choice("objective", Objectives(), &objective.objective);
    if (one.Take("objective") == nullptr) one.Missing("objective", "field required: " + Listed(Objectives()));
    one.Number("weight", 0, &objective.weight);
    if (objective.weight == 0) one.Error("weight", "must be more than 0", "value_error.number.range");
    one.Finish();
    out->objectives.push_back(objective);
  }
}

void ReadStrategy(FieldReader& tuning, std::string* out) {
  const Json* value = tuning.Take("strategy");
  // One that Intel Neural Compressor's users know and may ask for.
  if (value != nullptr && *value == "hawq_v2") {
    return tuning.Error("strategy", "hawq_v2 needs gradients, which are not computed yet: it comes later; mse_v2 is the nearest to it",
                        "value_error.not_available");
  }
  tuning.Choice("strategy", KnownStrategies(), out);
}

void ReadTuning(FieldReader& in, TuningSpec* out) {
  auto tuning = in.Object("tuning");
  if (!tuning) return;
  ReadStrategy(*tuning, &out->strategy);
  tuning->Integer("max_trials", 1, 1'000'000, &out->max_trials);
  tuning->Number("timeout", 0, &out->timeout_seconds);
  ReadObjectives(*tuning, out);
  if (auto latency = tuning->Object("latency")) {
    latency->Integer("threads", 0, 1024, &out->latency.threads);
    latency->Integer("batch", 1, 100'000, &out->latency.batch);
    latency->Finish();
  }
  if (auto limits = tuning->Object("quantization")) {
    limits->Strings("dtypes", &out->quantization.dtypes, KnownDtypes());
    limits->Strings("granularities", &out->quantization.granularities, {"per_channel", "per_tensor"});
    limits->Strings("calibration_methods", &out->quantization.calibration_methods, KnownCalibrationMethods());
    limits->Strings("excluded_operators", &out->quantization.excluded_operators);
    limits->Finish();
  }
  tuning->BoolMap("recipes", &out->recipes);
  tuning->Integer("seed", 0, INT64_MAX, &out->seed);
  tuning->Bool("cache", &out->cache);
  tuning->Bool("stop_at_goal", &out->stop_at_goal);
  tuning->Finish();
}

void ReadDeadline(FieldReader& in, TaskSpec* out) {
  const Json* value = in.Take("deadline");
  if (value == nullptr) return;
  const char* wanted = "must be seconds from submission (more than 0) or a time such as \"2026-01-31T12:00:00Z\", got ";
  if (value->is_number() && value->get<double>() > 0 && value->get<double>() < 1e9) {
    out->deadline_seconds = value->get<double>();
  } else if (auto time = value->is_string() ? ParseTime(value->get<std::string>()) : std::nullopt) {
    out->deadline_time = *time;
  } else {
    in.Error("deadline", wanted + Shown(*value), "value_error");
  }
}

void ReadApproach(FieldReader& in, TaskSpec* out) {
  std::string approach = out->script_url.empty() ? "auto" : "static";
  in.Choice("approach", {"static", "static_ipex", "dynamic", "auto"}, &approach);
  out->approach_was_ipex = approach == "static_ipex";
  out->approach = approach == "auto" ? Approach::kAuto : approach == "dynamic" ? Approach::kDynamic : Approach::kStatic;
}

void ReadWhat(FieldReader& in, TaskSpec* out) {
  in.String("script_url", &out->script_url);
  in.String("model", &out->model);
  const Json* script = in.Take("script_url");
  const Json* model = in.Take("model");
  if (script != nullptr && model != nullptr) {
    in.Error("model", "give exactly one of script_url and model, got both", "value_error");
  } else if (script != nullptr) {
    if (script->is_string()) CheckScript(in, *out);
  } else if (model == nullptr) {
    in.Missing("model", "field required: exactly one of model and script_url");
  } else if (model->is_string()) {
    CheckPath(in, "model", out->model);
  }
}

void ReadNames(FieldReader& in, TaskSpec* out) {
  in.String("name", &out->name);
  in.StringMap("labels", &out->labels);
  in.String("idempotency_key", &out->idempotency_key);
  in.String("webhook", &out->webhook);
  for (auto [field, value] : {std::pair("name", &out->name), std::pair("idempotency_key", &out->idempotency_key)}) {
    if (value->size() > kMaxNameLength) {
      in.Error(field, fmt::format("must be at most {} bytes, got {}", kMaxNameLength, value->size()), "value_error.any_str.max_length");
    }
  }
}

}  // namespace

ParsedTaskSpec ParseTaskSpec(std::string_view body) {
  std::vector<FieldError> errors;
  if (body.size() > kMostRequestBytes) {
    return std::vector<FieldError>{
        {{"body"}, fmt::format("must be at most {} bytes, got {}: put data into files", kMostRequestBytes, body.size()), "value_error.size"}};
  }
  auto json = ParseJson(body);
  if (!json) return std::vector<FieldError>{{{"body"}, "must be a JSON object; this is not valid JSON, or has an object of more than 256 fields", "value_error.jsondecode"}};
  if (!json->is_object()) return std::vector<FieldError>{{{"body"}, "must be a JSON object, got " + Shown(*json), "type_error.dict"}};

  TaskSpec spec;
  FieldReader in(*json, {"body"}, &errors);
  ReadScriptFields(in, &spec);
  ReadWhat(in, &spec);
  ReadApproach(in, &spec);
  in.Integer("workers", 1, 10'000, &spec.workers);
  in.Integer("priority", 1, 3, &spec.priority);
  ReadDataset(in, &spec);
  if (!spec.model.empty() && !spec.dataset) {
    in.Missing("dataset", "field required for a model task: the rows to evaluate and calibrate with");
  }
  ReadMetrics(in, &spec);
  if (auto criterion = in.Object("accuracy_criterion")) {
    ReadCriterion(*criterion, &spec.accuracy_criterion);
    criterion->Finish();
  }
  ReadTuning(in, &spec.tuning);
  std::string conflict = spec.model.empty() ? "" : DtypesConflict(spec.approach, spec.tuning.quantization.dtypes);
  if (!conflict.empty()) errors.push_back({{"body", "tuning", "quantization", "dtypes"}, conflict, "value_error"});
  ReadNames(in, &spec);
  ReadDeadline(in, &spec);
  in.Finish();
  if (errors.size() > kMostErrors) errors.resize(kMostErrors);
  if (!errors.empty()) return errors;
  return spec;
}

}  // namespace ns
