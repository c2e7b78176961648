#include "worker/team/task_codec.h"

#include <cstring>
#include <new>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "quantize/statistics_codec.h"
#include "worker/cache_codec.h"
#include "worker/recipe.h"

namespace ns {

namespace {

using Json = nlohmann::json;

std::string RecipeText(const QuantConfig& config, const QuantFacts& facts = {}) {
  Recipe recipe;
  recipe.config = config;
  recipe.facts = facts;
  return RecipeToJson(recipe);
}

QuantConfig ConfigFromText(const std::string& text) {
  auto recipe = ParseRecipe(text);
  if (!recipe.ok()) throw std::invalid_argument(recipe.status().message());
  return std::move(recipe->config);
}

struct ItemToJson {
  Json operator()(const EvaluateItem& item) const {
    return {{"item", "evaluate"}, {"configs", Json::array({RecipeText(item.config)})}, {"label", item.label}, {"in_full", item.in_full}};
  }
  Json operator()(const ProbeItem& item) const { return {{"item", "probe"}, {"configs", Json::array({RecipeText(item.config)})}}; }
  Json operator()(const RankItem& item) const { return {{"item", "rank"}, {"configs", Json::array({RecipeText(item.config)})}, {"effects", item.effects}}; }
  Json operator()(const TimeItem& item) const {
    Json configs = Json::array();
    for (const QuantConfig& config : item.configs) configs.push_back(RecipeText(config));
    return {{"item", "time"}, {"configs", configs}};
  }
};

TuningItem ItemFromJson(const Json& json) {
  std::vector<QuantConfig> configs;
  for (const Json& text : json.at("configs")) configs.push_back(ConfigFromText(text));
  std::string item = json.at("item");
  if (item == "evaluate") return EvaluateItem{configs.at(0), json.at("label"), json.at("in_full")};
  if (item == "probe") return ProbeItem{configs.at(0)};
  if (item == "rank") return RankItem{configs.at(0), json.at("effects")};
  if (item == "time") return TimeItem{std::move(configs)};
  throw std::invalid_argument(item);
}

Json ShardToJson(const CalibrationShard& shard) {
  Json methods = Json::array();
  for (CalibrationMethod method : shard.options.methods) methods.push_back(CalibrationMethodName(method));
  return {{"kind", "calibration"},
          {"methods", methods},
          {"channels", shard.options.channels},
          {"attention", shard.options.attention},
          {"batch_size", shard.options.batch_size},
          {"first_batch", shard.options.first_batch},
          {"first_row", shard.first_row},
          {"rows", shard.rows}};
}

CalibrationShard ShardFromJson(const Json& json) {
  CalibrationShard shard;
  shard.options.methods.clear();
  for (const Json& name : json.at("methods")) {
    auto method = CalibrationMethodByName(name.get<std::string>());
    if (!method.ok()) throw std::invalid_argument("method");
    shard.options.methods.push_back(*method);
  }
  shard.options.channels = json.at("channels");
  shard.options.attention = json.at("attention");
  shard.options.batch_size = json.at("batch_size");
  shard.options.first_batch = json.at("first_batch");
  shard.first_row = json.at("first_row");
  shard.rows = json.at("rows");
  return shard;
}

constexpr char kStatistics = 's', kFacts = 'f';

std::string KnowledgeToBytes(const Knowledge& knowledge) {
  if (knowledge.statistics != nullptr) return kStatistics + StatisticsToBytes(*knowledge.statistics);
  return kFacts + RecipeText({}, knowledge.facts);
}

// Numbers as they lie in memory; of a list its count, then what it holds.
void AppendTo(std::string* bytes, double value) { bytes->append(reinterpret_cast<const char*>(&value), sizeof(value)); }
void AppendTo(std::string* bytes, int64_t value) { bytes->append(reinterpret_cast<const char*>(&value), sizeof(value)); }
template <typename Value>
void AppendTo(std::string* bytes, const std::vector<Value>& values) {
  AppendTo(bytes, static_cast<int64_t>(values.size()));
  for (const Value& value : values) AppendTo(bytes, value);
}

template <typename Value>
void TakeFrom(std::string_view* bytes, Value* value) {
  if (bytes->size() < sizeof(*value)) throw std::invalid_argument("part");
  std::memcpy(value, bytes->data(), sizeof(*value));
  bytes->remove_prefix(sizeof(*value));
}
template <typename Value>
void TakeFrom(std::string_view* bytes, std::vector<Value>* values) {
  uint64_t count = 0;
  TakeFrom(bytes, &count);
  if (count > bytes->size() / sizeof(count)) throw std::invalid_argument("part");
  values->resize(static_cast<size_t>(count));
  for (Value& value : *values) TakeFrom(bytes, &value);
}

std::string PartToBytes(const EvaluationPart& part) {
  std::string bytes;
  AppendTo(&bytes, part.first);
  AppendTo(&bytes, part.seconds);
  AppendTo(&bytes, part.states);
  return bytes;
}

EvaluationPart PartFromBytes(std::string_view bytes) {
  EvaluationPart part;
  TakeFrom(&bytes, &part.first);
  TakeFrom(&bytes, &part.seconds);
  TakeFrom(&bytes, &part.states);
  if (!bytes.empty()) throw std::invalid_argument("part");
  return part;
}

}  // namespace

std::string BlobStore::Add(std::string content) {
  std::string digest = Sha256Hex(content);
  std::lock_guard lock(mutex_);
  blobs_.emplace(digest, std::move(content));
  return digest;
}

std::optional<std::string> BlobStore::Get(const std::string& digest) const {
  std::lock_guard lock(mutex_);
  auto found = blobs_.find(digest);
  return found == blobs_.end() ? std::nullopt : std::optional(found->second);
}

std::string BlobStore::Add(const KnowledgePtr& knowledge) {
  {
    std::lock_guard lock(mutex_);
    auto known = digests_.find(knowledge);
    if (known != digests_.end()) return known->second;
  }
  std::string digest = Add(KnowledgeToBytes(*knowledge));
  std::lock_guard lock(mutex_);
  digests_.emplace(knowledge, digest);
  return digest;
}

std::string KindOf(const TeamTask& task) {
  if (std::holds_alternative<BaselineShard>(task)) return "baseline";
  return std::holds_alternative<CalibrationShard>(task) ? "calibration" : "trial";
}

namespace {

Json TrialToJson(const TrialTask& trial, const std::string& stopper, BlobStore* blobs) {
  Json json = std::visit(ItemToJson{}, trial.item);
  json["kind"] = "trial";
  json["trial"] = trial.trial;
  json["may_stop"] = trial.may_stop;
  json["hard"] = trial.hard;
  json["effect_runs"] = trial.effect_runs;
  json["stopper"] = stopper;
  Json knowledge = Json::array();
  for (const KnowledgePtr& one : trial.knowledge) knowledge.push_back(one == nullptr ? "" : blobs->Add(one));
  json["knowledge"] = knowledge;
  return json;
}

TrialTask TrialFromJson(const Json& json) {
  TrialTask trial;
  trial.item = ItemFromJson(json);
  trial.trial = json.at("trial");
  trial.may_stop = json.at("may_stop");
  trial.hard = json.at("hard").get<std::vector<size_t>>();
  trial.effect_runs = json.at("effect_runs");
  return trial;
}

}  // namespace

std::string TaskToText(const TeamTask& task, const std::string& stopper, BlobStore* blobs, int killed) {
  Json json;
  if (auto* baseline = std::get_if<BaselineShard>(&task)) {
    json = {{"kind", "baseline"}, {"first", baseline->first}, {"count", baseline->count}, {"seconds", baseline->seconds}};
  } else if (auto* calibration = std::get_if<CalibrationShard>(&task)) {
    json = ShardToJson(*calibration);
  } else {
    json = TrialToJson(std::get<TrialTask>(task), stopper, blobs);
  }
  json["killed"] = killed;
  return json.dump();
}

Result<Knowledge> KnowledgeFromBytes(std::string_view bytes) {
  Knowledge knowledge;
  if (bytes.starts_with(kStatistics)) {
    NS_ASSIGN_OR_RETURN(Statistics statistics, StatisticsFromBytes(bytes.substr(1)));
    knowledge.statistics = std::make_shared<Statistics>(std::move(statistics));
    return knowledge;
  }
  if (!bytes.starts_with(kFacts)) return InvalidArgument("neither statistics nor facts", "BAD_ITEM");
  NS_ASSIGN_OR_RETURN(Recipe recipe, ParseRecipe(bytes.substr(1)));
  knowledge.facts = std::move(recipe.facts);
  return knowledge;
}

Result<ReceivedTask> TaskFromText(std::string_view text, const std::function<Result<KnowledgePtr>(const std::string& digest)>& fetch) {
  try {
    Json json = Json::parse(text);
    std::string kind = json.at("kind");
    int killed = json.at("killed");
    if (kind == "baseline") return ReceivedTask{BaselineShard{json.at("first"), json.at("count"), json.at("seconds")}, "", killed};
    if (kind == "calibration") return ReceivedTask{ShardFromJson(json), "", killed};
    TrialTask trial = TrialFromJson(json);
    for (const Json& digest : json.at("knowledge")) {
      trial.knowledge.emplace_back();
      if (digest.get<std::string>().empty()) continue;
      NS_ASSIGN_OR_RETURN(trial.knowledge.back(), fetch(digest));
    }
    return ReceivedTask{std::move(trial), json.at("stopper"), killed};
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory", "OUT_OF_MEMORY");
  } catch (const std::exception& error) {
    return InvalidArgument(fmt::format("the lead gave an item that we don't understand: {}", error.what()), "BAD_ITEM");
  }
}

// A line of JSON, then, where there are any, bytes.
std::string OutcomeToBytes(const Result<TeamOutcome>& outcome) {
  if (!outcome.ok()) {
    const Status& status = outcome.status();
    Json json = {{"code", static_cast<int>(status.code())}, {"reason", status.reason()}, {"message", status.message()}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  if (auto* part = std::get_if<EvaluationPart>(&*outcome)) return "{}\n" + PartToBytes(*part);
  if (auto* statistics = std::get_if<Statistics>(&*outcome)) return "{}\n" + StatisticsToBytes(*statistics);
  const auto& trial = std::get<TrialOutcome>(*outcome);
  return Json{{"result", ResultToText(trial.result)}, {"hard", trial.hard}, {"seconds", trial.seconds}, {"small", trial.small}}.dump() + "\n";
}

Result<TeamOutcome> OutcomeFromBytes(std::string_view bytes, const TeamTask& task) {
  try {
    size_t line = bytes.find('\n');
    if (line == std::string_view::npos) throw std::invalid_argument("no line");
    Json json = Json::parse(bytes.substr(0, line));
    std::string_view rest = bytes.substr(line + 1);
    if (json.contains("code")) return Status(static_cast<StatusCode>(json["code"].get<int>()), json.at("message"), json.at("reason"));
    if (std::holds_alternative<BaselineShard>(task)) return TeamOutcome(PartFromBytes(rest));
    if (std::holds_alternative<CalibrationShard>(task)) {
      NS_ASSIGN_OR_RETURN(Statistics statistics, StatisticsFromBytes(rest));
      return TeamOutcome(std::move(statistics));
    }
    auto result = ResultFromText(json.at("result").get<std::string>(), std::get<TrialTask>(task).item);
    if (!result) throw std::invalid_argument("result");
    return TeamOutcome(TrialOutcome{*std::move(result), json.at("hard").get<std::vector<size_t>>(), json.at("seconds"), json.at("small")});
  } catch (const std::exception& error) {
    return Internal(fmt::format("an assistant's result is not understood: {}", error.what()), "BAD_RESULT");
  }
}

}  // namespace ns
