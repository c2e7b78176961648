#include "worker/recipe.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace ns {

namespace {

using Json = nlohmann::ordered_json;

// What of `config` differs from `base`; all of it without one.
Json OpConfigToJson(const OpConfig& config, const OpConfig* base = nullptr) {
  Json json = Json::object();
  if (base == nullptr || config.mode != base->mode) json["mode"] = OpModeName(config.mode);
  if (base == nullptr || config.calibration != base->calibration) {
    json["calibration"] = CalibrationMethodName(config.calibration);
  }
  if (base == nullptr || config.per_channel != base->per_channel) {
    json["weights"] = config.per_channel ? "per_channel" : "per_tensor";
  }
  return json;
}

Json ConfigToJson(const QuantConfig& config) {
  Json operators = Json::object();
  for (const auto& [name, op] : config.operators) operators[name] = OpConfigToJson(op, &config.defaults);
  return {{"defaults", OpConfigToJson(config.defaults)},
          {"operators", operators},
          {"percentile", config.percentile},
          {"averaging_constant", config.averaging_constant},
          {"reduce_range", config.reduce_range},
          {"quantize_embeddings", config.quantize_embeddings},
          {"quantize_attention", config.quantize_attention}};
}

Status Bad(std::string message) {
  return InvalidArgument("not a recipe of ours: " + std::move(message), "BAD_RECIPE");
}

Result<Range> RangeFromJson(const std::string& name, const Json& json) {
  Range range{json.at(0).get<float>(), json.at(1).get<float>()};
  if (!std::isfinite(range.min) || !std::isfinite(range.max) || range.min > range.max) {
    return Bad(fmt::format("the range of '{}' is {}, expected two finite numbers [min, max]", name, json.dump()));
  }
  return range;
}

Result<OpConfig> OpConfigFromJson(const Json& json, OpConfig config) {
  if (json.contains("mode")) {
    NS_ASSIGN_OR_RETURN(config.mode, OpModeByName(json.at("mode").get<std::string>()));
  }
  if (json.contains("calibration")) {
    NS_ASSIGN_OR_RETURN(config.calibration, CalibrationMethodByName(json.at("calibration").get<std::string>()));
  }
  if (json.contains("weights")) {
    std::string weights = json.at("weights").get<std::string>();
    if (weights != "per_channel" && weights != "per_tensor") {
      return Bad(fmt::format("weights are '{}', expected per_channel or per_tensor", weights));
    }
    config.per_channel = weights == "per_channel";
  }
  return config;
}

// Version 1: "default_mode", "modes" and one "calibration" and "per_channel" for all.
Status OperatorsFromVersion1(const Json& json, QuantConfig* config) {
  NS_ASSIGN_OR_RETURN(config->defaults.mode, OpModeByName(json.at("default_mode").get<std::string>()));
  NS_ASSIGN_OR_RETURN(config->defaults.calibration, CalibrationMethodByName(json.at("calibration").get<std::string>()));
  json.at("per_channel").get_to(config->defaults.per_channel);
  for (const auto& [name, mode] : json.at("modes").items()) {
    NS_ASSIGN_OR_RETURN(OpMode known, OpModeByName(mode.get<std::string>()));
    config->SetMode(name, known);
  }
  return OkStatus();
}

Status OperatorsFromJson(const Json& json, QuantConfig* config) {
  NS_ASSIGN_OR_RETURN(config->defaults, OpConfigFromJson(json.at("defaults"), OpConfig()));
  for (const auto& [name, op] : json.at("operators").items()) {
    NS_ASSIGN_OR_RETURN(config->operators[name], OpConfigFromJson(op, config->defaults));
  }
  return OkStatus();
}

Result<QuantConfig> ConfigFromJson(const Json& json, int version) {
  QuantConfig config;
  NS_RETURN_IF_ERROR(version == 1 ? OperatorsFromVersion1(json, &config) : OperatorsFromJson(json, &config));
  json.at("percentile").get_to(config.percentile);
  json.at("averaging_constant").get_to(config.averaging_constant);
  json.at("reduce_range").get_to(config.reduce_range);
  json.at("quantize_embeddings").get_to(config.quantize_embeddings);
  json.at("quantize_attention").get_to(config.quantize_attention);
  if (!(config.percentile > 50 && config.percentile <= 100)) {
    return Bad(fmt::format("percentile is {}, expected over 50 to 100", config.percentile));
  }
  if (!(config.averaging_constant > 0 && config.averaging_constant <= 1)) {
    return Bad(fmt::format("averaging_constant is {}, expected over 0 to 1", config.averaging_constant));
  }
  return config;
}

Status RangesFromJson(const Json& json, int version, Recipe* recipe) {
  for (const auto& [name, ranges] : json.items()) {
    if (version == 1) {
      NS_ASSIGN_OR_RETURN((recipe->ranges[{name, recipe->config.defaults.calibration}]), RangeFromJson(name, ranges));
      continue;
    }
    for (const auto& [method_name, range] : ranges.items()) {
      NS_ASSIGN_OR_RETURN(CalibrationMethod method, CalibrationMethodByName(method_name));
      NS_ASSIGN_OR_RETURN((recipe->ranges[{name, method}]), RangeFromJson(name, range));
    }
  }
  return OkStatus();
}

Result<Recipe> FromJson(const Json& json) {
  int version = json.at("version").get<int>();
  if (version != 1 && version != 2) return Bad(fmt::format("its version is {}, this program reads 1 and 2", version));
  Recipe recipe;
  json.at("model_sha256").get_to(recipe.model_sha256);
  json.at("label").get_to(recipe.label);
  json.at("keep_float").get_to(recipe.keep_float);
  if (!recipe.keep_float) {
    NS_ASSIGN_OR_RETURN(recipe.config, ConfigFromJson(json.at("config"), version));
    NS_RETURN_IF_ERROR(RangesFromJson(json.at("ranges"), version, &recipe));
  }
  recipe.result_sha256 = json.value("result_sha256", "");
  if (json.contains("made_by")) json.at("made_by").get_to(recipe.made_by);
  return recipe;
}

}  // namespace

std::string RecipeToJson(const Recipe& recipe) {
  Json json = {{"version", 2},
               {"model_sha256", recipe.model_sha256},
               {"label", recipe.label},
               {"keep_float", recipe.keep_float}};
  if (!recipe.keep_float) {
    json["config"] = ConfigToJson(recipe.config);
    Json ranges = Json::object();
    for (const auto& [id, range] : recipe.ranges) {
      ranges[id.value][std::string(CalibrationMethodName(id.method))] = {range.min, range.max};
    }
    json["ranges"] = ranges;
  }
  if (!recipe.result_sha256.empty()) json["result_sha256"] = recipe.result_sha256;
  json["made_by"] = recipe.made_by;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Recipe> ParseRecipe(std::string_view text) {
  try {
    return FromJson(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument(fmt::format("not a recipe of ours: {}", error.what()), "BAD_RECIPE");
  }
}

Result<Recipe> ReadRecipe(const std::filesystem::path& file) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(file, uint64_t{256} << 20));
  auto recipe = ParseRecipe(text);
  if (!recipe.ok()) return recipe.status().WithContext(fmt::format("'{}'", file.string()));
  return recipe;
}

}  // namespace ns
