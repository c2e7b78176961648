#include "tasks/operator_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "tasks/operator_report_codec.h"

namespace ns {

namespace {

Json ToJson(const HistogramReport& histogram) {
  return {{"low", histogram.low}, {"bin_width", histogram.bin_width}, {"counts", histogram.counts}};
}

Json ToJson(const ActivationReport& one) {
  Json json = {{"value", one.value}, {"min", one.min}, {"max", one.max}};
  SetOptional(json, "low", one.low);
  SetOptional(json, "high", one.high);
  SetUnlessEmpty(json, "calibration", one.calibration);
  SetOptional(json, "outside", one.outside);
  SetOptional(json, "channel_ratio", one.channel_ratio);
  SetOptional(json, "tail_ratio", one.tail_ratio);
  if (one.histogram) json["histogram"] = ToJson(*one.histogram);
  return json;
}

// Null, when there is no such object.
const Json* Object(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_object() ? &*found : nullptr;
}

std::optional<HistogramReport> ReadHistogram(const Json& json) {
  HistogramReport histogram;
  if (!Get(json, "low", &histogram.low) || !Get(json, "bin_width", &histogram.bin_width)) return std::nullopt;
  auto counts = json.find("counts");
  if (counts == json.end() || !counts->is_array()) return std::nullopt;
  for (const Json& count : *counts) histogram.counts.push_back(count.is_number_integer() ? count.get<int64_t>() : 0);
  return histogram;
}

std::optional<ActivationReport> ReadActivation(const Json* json) {
  if (json == nullptr) return std::nullopt;
  ActivationReport one;
  Get(*json, "value", &one.value);
  Get(*json, "min", &one.min);
  Get(*json, "max", &one.max);
  GetOptional(*json, "low", &one.low);
  GetOptional(*json, "high", &one.high);
  Get(*json, "calibration", &one.calibration);
  GetOptional(*json, "outside", &one.outside);
  GetOptional(*json, "channel_ratio", &one.channel_ratio);
  GetOptional(*json, "tail_ratio", &one.tail_ratio);
  if (const Json* histogram = Object(*json, "histogram")) one.histogram = ReadHistogram(*histogram);
  return one;
}

}  // namespace

Json OperatorJson(const OperatorReport& one) {
  Json json = {{"name", one.name}, {"type", one.type}, {"decision", one.decision}, {"why", one.why}};
  SetOptional(json, "sqnr_db", one.sqnr_db);
  SetOptional(json, "latency_share", one.latency_share);
  SetOptional(json, "effect_db", one.effect_db);
  if (one.effect_shared) json["effect_shared"] = true;
  SetOptional(json, "float_latency_share", one.float_latency_share);
  if (one.input) json["input"] = ToJson(*one.input);
  if (one.output) json["output"] = ToJson(*one.output);
  if (one.weight) {
    json["weight"] = {{"absmax", one.weight->absmax}, {"channels", one.weight->channels}, {"channel_ratio", one.weight->channel_ratio}};
  }
  SetUnlessEmpty(json, "advice", one.advice);
  return json;
}

void ReadOperator(const Json& json, OperatorReport* out) {
  Get(json, "name", &out->name);
  Get(json, "type", &out->type);
  Get(json, "decision", &out->decision);
  Get(json, "why", &out->why);
  GetOptional(json, "sqnr_db", &out->sqnr_db);
  GetOptional(json, "latency_share", &out->latency_share);
  GetOptional(json, "effect_db", &out->effect_db);
  Get(json, "effect_shared", &out->effect_shared);
  GetOptional(json, "float_latency_share", &out->float_latency_share);
  out->input = ReadActivation(Object(json, "input"));
  out->output = ReadActivation(Object(json, "output"));
  if (const Json* weight = Object(json, "weight")) {
    out->weight.emplace();
    Get(*weight, "absmax", &out->weight->absmax);
    Get(*weight, "channels", &out->weight->channels);
    Get(*weight, "channel_ratio", &out->weight->channel_ratio);
  }
  Get(json, "advice", &out->advice);
}

void SortByHarm(std::vector<OperatorReport>* operators) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  auto figure = [](const std::optional<double>& db) { return db && !std::isnan(*db) ? *db : kNone; };
  auto harm = [&](const OperatorReport& one) { return std::tuple(figure(one.effect_db), figure(one.sqnr_db)); };
  std::stable_sort(operators->begin(), operators->end(), [&](const auto& a, const auto& b) { return harm(a) < harm(b); });
}

std::string OperatorsToJson(const std::vector<OperatorReport>& operators) {
  Json list = Json::array();
  for (const OperatorReport& one : operators) list.push_back(OperatorJson(one));
  return Dump(list, 2);
}

std::optional<std::vector<OperatorReport>> OperatorsFromJson(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_array()) return std::nullopt;
  std::vector<OperatorReport> operators;
  for (const Json& one : *json)
    if (one.is_object()) ReadOperator(one, &operators.emplace_back());
  return operators;
}

}  // namespace ns
