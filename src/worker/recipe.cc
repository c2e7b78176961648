#include "worker/recipe.h"

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tasks/session_settings_codec.h"

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
  if (config.mode != OpMode::kWeightOnlyInt4) return json;
  if (base == nullptr || config.block != base->block) json["block"] = config.block;
  if (base == nullptr || config.zero_points != base->zero_points) json["zero_points"] = config.zero_points;
  return json;
}

Json SmoothQuantToJson(const SmoothQuantConfig& config) {
  Json alphas = Json::object();
  for (const auto& [name, alpha] : config.alphas) alphas[name] = alpha;
  return {{"alpha", config.alpha}, {"alphas", alphas}};
}

Json ConfigToJson(const QuantConfig& config) {
  Json operators = Json::object();
  for (const auto& [name, op] : config.operators) operators[name] = OpConfigToJson(op, &config.defaults);
  Json json = {{"defaults", OpConfigToJson(config.defaults)},
               {"operators", operators},
               {"percentile", config.percentile},
               {"averaging_constant", config.averaging_constant},
               {"reduce_range", config.reduce_range},
               {"quantize_embeddings", config.quantize_embeddings},
               {"quantize_attention", config.quantize_attention}};
  if (config.equalize) json["equalize"] = true;
  if (config.bias_correction) json["bias_correction"] = true;
  if (config.smooth_quant) json["smooth_quant"] = SmoothQuantToJson(*config.smooth_quant);
  return json;
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
  config.block = json.value("block", config.block);
  config.zero_points = json.value("zero_points", config.zero_points);
  if (config.block < 16 || config.block > 256 || !std::has_single_bit(static_cast<unsigned>(config.block)))
    return Bad(fmt::format("a block has {} elements, expected a power of two from 16 to 256", config.block));
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

Result<SmoothQuantConfig> SmoothQuantFromJson(const Json& json) {
  SmoothQuantConfig config;
  json.at("alpha").get_to(config.alpha);
  for (const auto& [name, alpha] : json.at("alphas").items()) config.alphas[name] = alpha.get<double>();
  bool inside = config.alpha >= 0 && config.alpha <= 1;
  for (const auto& [name, alpha] : config.alphas) inside = inside && alpha >= 0 && alpha <= 1;
  if (!inside) return Bad(fmt::format("an alpha of SmoothQuant is not in 0 to 1: {}", json.dump()));
  return config;
}

Result<QuantConfig> ConfigFromJson(const Json& json, int version) {
  QuantConfig config;
  NS_RETURN_IF_ERROR(version == 1 ? OperatorsFromVersion1(json, &config) : OperatorsFromJson(json, &config));
  json.at("percentile").get_to(config.percentile);
  json.at("averaging_constant").get_to(config.averaging_constant);
  json.at("reduce_range").get_to(config.reduce_range);
  json.at("quantize_embeddings").get_to(config.quantize_embeddings);
  json.at("quantize_attention").get_to(config.quantize_attention);
  config.equalize = json.value("equalize", false);
  config.bias_correction = json.value("bias_correction", false);
  if (json.contains("smooth_quant")) {
    NS_ASSIGN_OR_RETURN(config.smooth_quant, SmoothQuantFromJson(json.at("smooth_quant")));
  }
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
      NS_ASSIGN_OR_RETURN((recipe->facts.ranges[{name, recipe->config.defaults.calibration}]), RangeFromJson(name, ranges));
      continue;
    }
    for (const auto& [method_name, range] : ranges.items()) {
      NS_ASSIGN_OR_RETURN(CalibrationMethod method, CalibrationMethodByName(method_name));
      NS_ASSIGN_OR_RETURN((recipe->facts.ranges[{name, method}]), RangeFromJson(name, range));
    }
  }
  return OkStatus();
}

// Finite floats by name, more than `above`.
Result<std::map<std::string, std::vector<float>>> VectorsFromJson(const Json& json, float above) {
  std::map<std::string, std::vector<float>> vectors;
  for (const auto& [name, values] : json.items()) {
    for (const Json& value : values) {
      auto number = value.get<float>();
      if (!std::isfinite(number) || number <= above) return Bad(fmt::format("a number of '{}' is {}", name, value.dump()));
      vectors[name].push_back(number);
    }
  }
  return vectors;
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
    if (json.contains("smooth_factors")) {
      NS_ASSIGN_OR_RETURN(recipe.facts.smooth_factors, VectorsFromJson(json.at("smooth_factors"), 0));
    }
    if (json.contains("bias_corrections")) {
      NS_ASSIGN_OR_RETURN(recipe.facts.bias_corrections,
                          VectorsFromJson(json.at("bias_corrections"), -std::numeric_limits<float>::infinity()));
    }
  }
  if (json.contains("session")) recipe.session = SessionSettingsFromJson(json.at("session"));
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
    for (const auto& [id, range] : recipe.facts.ranges) {
      ranges[id.value][std::string(CalibrationMethodName(id.method))] = {range.min, range.max};
    }
    json["ranges"] = ranges;
    if (!recipe.facts.smooth_factors.empty()) json["smooth_factors"] = recipe.facts.smooth_factors;
    if (!recipe.facts.bias_corrections.empty()) json["bias_corrections"] = recipe.facts.bias_corrections;
  }
  if (recipe.session) json["session"] = SessionSettingsToJson<Json>(*recipe.session);
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
