#include "worker/team/team_spec.h"

#include <nlohmann/json.hpp>

#include "worker/cache_codec.h"

namespace ns {

namespace {

using Json = nlohmann::json;

template <typename Value, typename Read>
Result<Value> Parse(std::string_view text, Read&& read) {
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return InvalidArgument(fmt::format("the lead told of a task that we don't understand: {}", error.what()), "BAD_TEAM_SPEC");
  }
}

Json DataToJson(const DataOptions& data) {
  Json json = {{"path", data.path.string()},
               {"calibration", data.calibration},
               {"text", data.columns.text},
               {"text_pair", data.columns.text_pair},
               {"label", data.columns.label},
               {"inputs", data.columns.inputs},
               {"batch_size", data.batch_size},
               {"seed", data.seed}};
  if (data.calibration_samples) json["calibration_samples"] = *data.calibration_samples;
  if (data.evaluation_samples) json["evaluation_samples"] = *data.evaluation_samples;
  return json;
}

DataOptions DataFromJson(const Json& json) {
  DataOptions data;
  data.path = json.at("path").get<std::string>();
  data.calibration = json.at("calibration");
  data.columns = {json.at("text"), json.at("text_pair"), json.at("label"), json.at("inputs")};
  data.batch_size = json.at("batch_size");
  data.seed = json.at("seed");
  if (json.contains("calibration_samples")) data.calibration_samples = json["calibration_samples"].get<int64_t>();
  if (json.contains("evaluation_samples")) data.evaluation_samples = json["evaluation_samples"].get<int64_t>();
  return data;
}

}  // namespace

std::string TeamSpecToText(const TeamSpec& spec) {
  Json metrics = Json::array(), inputs = Json::array();
  for (const MetricRequest& metric : spec.metrics)
    metrics.push_back({metric.name, metric.options.positive_label, metric.options.ignore_label, metric.options.label_shift});
  for (const InputReport& input : spec.inputs) inputs.push_back({input.role, input.sha256});
  return Json{{"model", spec.model.string()}, {"data", DataToJson(spec.data)}, {"metrics", metrics}, {"labels", spec.labels}, {"inputs", inputs},
              {"rows", spec.evaluation_rows}}.dump();
}

Result<TeamSpec> TeamSpecFromText(std::string_view text) {
  return Parse<TeamSpec>(text, [](const Json& json) {
    TeamSpec spec;
    spec.model = json.at("model").get<std::string>();
    spec.data = DataFromJson(json.at("data"));
    for (const Json& one : json.at("metrics")) {
      MetricRequest metric;
      metric.name = one.at(0);
      metric.options = {one.at(1), one.at(2), one.at(3)};
      spec.metrics.push_back(std::move(metric));
    }
    spec.labels = json.at("labels");
    for (const Json& one : json.at("inputs")) spec.inputs.push_back({one.at(0), "", one.at(1)});
    spec.evaluation_rows = json.at("rows");
    return spec;
  });
}

std::string StopperToText(const StopperParts& parts) {
  Json goals = Json::array();
  for (const AccuracyGoal& goal : parts.goals) {
    goals.push_back({goal.metric, CriterionKindName(goal.criterion.kind), goal.criterion.tolerable_loss, goal.criterion.higher_is_better,
                     goal.baseline});
  }
  return Json{{"goals", goals}, {"baseline", EvaluationToText(parts.baseline)}, {"seed", parts.seed}, {"small", parts.small}, {"rows", parts.rows}}.dump();
}

Result<StopperParts> StopperFromText(std::string_view text) {
  return Parse<StopperParts>(text, [](const Json& json) {
    StopperParts parts;
    for (const Json& one : json.at("goals")) {
      auto kind = CriterionKindByName(one.at(1).get<std::string>());
      if (!kind.ok()) throw std::invalid_argument("criterion");
      parts.goals.push_back({one.at(0), {*kind, one.at(2), one.at(3)}, one.at(4)});
    }
    auto baseline = EvaluationFromText(json.at("baseline").get<std::string>());
    if (!baseline || parts.goals.empty()) throw std::invalid_argument("baseline");
    parts.baseline = *std::move(baseline);
    parts.seed = json.at("seed");
    parts.small = json.at("small");
    parts.rows = json.at("rows").get<std::vector<int64_t>>();
    return parts;
  });
}

}  // namespace ns
