#include "worker/recipe.h"

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
      recipe.ranges[name] = Range{range.at(0).get<float>(), range.at(1).get<float>()};
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
