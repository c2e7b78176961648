#include "worker/cache_codec.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace ns {

namespace {

using Json = nlohmann::json;

// JSON has no infinity and no NaN: those are strings.
Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"); }

double ToNumber(const Json& json) {
  if (json.is_number()) return json.get<double>();
  std::string text = json.get<std::string>();
  if (text == "inf") return INFINITY;
  if (text == "-inf") return -INFINITY;
  if (text == "nan") return NAN;
  throw std::invalid_argument(text);
}

// Never an exception.
std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json Numbers(const std::vector<double>& values) {
  Json all = Json::array();
  for (double value : values) all.push_back(Number(value));
  return all;
}

std::vector<double> ToNumbers(const Json& json) {
  std::vector<double> values;
  for (const Json& one : json) values.push_back(ToNumber(one));
  return values;
}

// What a reader of a wrong text throws is no failure of ours: the entry is not there.
template <typename Value, typename Read>
std::optional<Value> Parse(std::string_view text, Read&& read) {
  try {
    return read(Json::parse(text));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

struct ToJson {
  Json operator()(const EvaluateResult& result) const {
    return {{"values", Numbers(result.values)},   {"size_bytes", result.size_bytes}, {"seconds", result.seconds},
            {"rows", result.rows},                {"stopped_early", result.stopped_early}};
  }
  Json operator()(const ProbeResult& result) const { return {{"output_sqnr_db", Number(result.output_sqnr_db)}}; }
  Json operator()(const RankResult& result) const {
    Json operators = Json::array();
    for (const OperatorScore& score : result.operators)
      operators.push_back({score.name, Number(score.sqnr_db), Number(score.effect_db), Number(score.saved_share), score.effect_shared});
    return {{"operators", operators}};
  }
  Json operator()(const TimeResult& result) const {
    Json models = Json::array();
    for (const MeasuredModel& model : result.models)
      models.push_back({model.speed.speedup, model.speed.low, model.speed.high, model.size_bytes, model.memory_bytes, model.latency_ms});
    return {{"models", models}};
  }
};

struct FromJson {
  const Json& json;
  TuningResult operator()(const EvaluateItem&) const {
    return EvaluateResult{.values = ToNumbers(json.at("values")),
                          .size_bytes = json.at("size_bytes"),
                          .seconds = json.at("seconds"),
                          .rows = json.at("rows"),
                          .stopped_early = json.at("stopped_early")};
  }
  TuningResult operator()(const ProbeItem&) const { return ProbeResult{.output_sqnr_db = ToNumber(json.at("output_sqnr_db"))}; }
  TuningResult operator()(const RankItem&) const {
    RankResult result;
    for (const Json& one : json.at("operators")) {
      bool shared = one.size() > 4 && one.at(4).get<bool>();
      result.operators.push_back({one.at(0), ToNumber(one.at(1)), ToNumber(one.at(2)), ToNumber(one.at(3)), shared});
    }
    return result;
  }
  TuningResult operator()(const TimeItem& item) const {
    TimeResult result;
    for (const Json& one : json.at("models")) result.models.push_back({{one.at(0), one.at(1), one.at(2)}, one.at(3), one.at(4), one.at(5)});
    if (result.models.size() != item.configs.size()) throw std::invalid_argument("models");
    return result;
  }
};

}  // namespace

std::string ResultToText(const TuningResult& result) { return Text(std::visit(ToJson{}, result)); }

std::optional<TuningResult> ResultFromText(std::string_view text, const TuningItem& item) {
  return Parse<TuningResult>(text, [&](const Json& json) { return std::visit(FromJson{json}, item); });
}

std::string EvaluationToText(const Evaluation& evaluation) {
  Json metrics = Json::array();
  for (const MetricEvaluation& metric : evaluation.metrics) {
    Json sums = Json::array(), weights = Json::array(), states = Json::array();
    for (const RowScore& score : metric.scores) {
      sums.push_back(Number(score.sum));
      weights.push_back(Number(score.weight));
    }
    for (const auto& state : metric.states) states.push_back(Numbers(state));
    metrics.push_back({{"value", Number(metric.value)}, {"sums", sums}, {"weights", weights}, {"states", states}});
  }
  return Text(Json{{"metrics", metrics}, {"rows", evaluation.rows}, {"seconds", evaluation.seconds}});
}

std::optional<Evaluation> EvaluationFromText(std::string_view text) {
  return Parse<Evaluation>(text, [](const Json& json) {
    Evaluation evaluation;
    for (const Json& one : json.at("metrics")) {
      MetricEvaluation metric;
      metric.value = ToNumber(one.at("value"));
      std::vector<double> sums = ToNumbers(one.at("sums")), weights = ToNumbers(one.at("weights"));
      for (size_t i = 0; i < sums.size(); ++i) metric.scores.push_back({sums[i], weights.at(i)});
      for (const Json& state : one.at("states")) metric.states.push_back(ToNumbers(state));
      evaluation.metrics.push_back(std::move(metric));
    }
    evaluation.rows = json.at("rows");
    evaluation.seconds = json.at("seconds");
    return evaluation;
  });
}

}  // namespace ns
