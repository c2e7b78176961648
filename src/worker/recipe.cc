#include "worker/recipe.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace ns {

namespace {

using Json = nlohmann::ordered_json;

Json ConfigToJson(const QuantConfig& config) {
  Json modes = Json::object();
  for (const auto& [name, mode] : config.modes) modes[name] = OpModeName(mode);
  return {{"default_mode", OpModeName(config.default_mode)},
          {"modes", modes},
          {"calibration", CalibrationMethodName(config.calibration)},
          {"percentile", config.percentile},
          {"averaging_constant", config.averaging_constant},
          {"per_channel", config.per_channel},
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

Result<QuantConfig> ConfigFromJson(const Json& json) {
  QuantConfig config;
  NS_ASSIGN_OR_RETURN(config.default_mode, OpModeByName(json.at("default_mode").get<std::string>()));
  for (const auto& [name, mode] : json.at("modes").items()) {
    NS_ASSIGN_OR_RETURN(config.modes[name], OpModeByName(mode.get<std::string>()));
  }
  NS_ASSIGN_OR_RETURN(config.calibration, CalibrationMethodByName(json.at("calibration").get<std::string>()));
  json.at("percentile").get_to(config.percentile);
  json.at("averaging_constant").get_to(config.averaging_constant);
  json.at("per_channel").get_to(config.per_channel);
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

Result<Recipe> FromJson(const Json& json) {
  if (json.at("version").get<int>() != 1) {
    return InvalidArgument(fmt::format("recipe version {}, this program reads 1", json.at("version").get<int>()),
                           "BAD_RECIPE");
  }
  Recipe recipe;
  json.at("model_sha256").get_to(recipe.model_sha256);
  json.at("label").get_to(recipe.label);
  json.at("keep_float").get_to(recipe.keep_float);
  if (!recipe.keep_float) {
    NS_ASSIGN_OR_RETURN(recipe.config, ConfigFromJson(json.at("config")));
    for (const auto& [name, range] : json.at("ranges").items()) {
      NS_ASSIGN_OR_RETURN(recipe.ranges[name], RangeFromJson(name, range));
    }
  }
  recipe.result_sha256 = json.value("result_sha256", "");
  if (json.contains("made_by")) json.at("made_by").get_to(recipe.made_by);
  return recipe;
}

}  // namespace

std::string RecipeToJson(const Recipe& recipe) {
  Json json = {{"version", 1},
               {"model_sha256", recipe.model_sha256},
               {"label", recipe.label},
               {"keep_float", recipe.keep_float}};
  if (!recipe.keep_float) {
    json["config"] = ConfigToJson(recipe.config);
    Json ranges = Json::object();
    for (const auto& [name, range] : recipe.ranges) ranges[name] = {range.min, range.max};
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
