#include "tasks/request_fields.h"

#include "tasks/json_reader.h"
#include "tasks/shell_words.h"

namespace ns {

namespace {

Json NumberOrText(const std::string& text) {
  auto json = ParseJson(text);
  return json && json->is_number() ? *json : Json(text);
}

Result<Json> BoolOf(const RequestField& field, const std::string& text) {
  if (text == "true" || text == "false") return Json(text == "true");
  return InvalidArgument(fmt::format("{}: must be true or false, got '{}'", field.path, text), "BAD_REQUEST");
}

// "name=value"; `alone`: what a name alone stands for, none: an error.
Result<std::pair<std::string, std::string>> Pair(const RequestField& field, const std::string& text, const char* alone = nullptr) {
  size_t equals = text.find('=');
  if (equals == std::string::npos && alone != nullptr) return std::pair(text, std::string(alone));
  if (equals != std::string::npos && equals > 0) return std::pair(text.substr(0, equals), text.substr(equals + 1));
  return InvalidArgument(fmt::format("{}: must be NAME=VALUE, got '{}'", field.path, text), "BAD_REQUEST");
}

Result<Json> MapOf(const RequestField& field) {
  Json map = Json::object();
  for (const std::string& text : field.values) {
    NS_ASSIGN_OR_RETURN(auto pair, Pair(field, text, field.kind == RequestValue::kBoolMap ? "true" : nullptr));
    if (field.kind == RequestValue::kSources) std::swap(pair.first, pair.second);
    if (field.kind == RequestValue::kBoolMap) {
      NS_ASSIGN_OR_RETURN(map[pair.first], BoolOf(field, pair.second));
    } else {
      map[pair.first] = pair.second;
    }
  }
  return map;
}

Result<Json> ObjectivesOf(const RequestField& field) {
  if (field.values.size() == 1 && field.values[0].find('=') == std::string::npos) return Json(field.values[0]);
  Json list = Json::array();
  for (const std::string& text : field.values) {
    NS_ASSIGN_OR_RETURN(auto pair, Pair(field, text, "1"));
    list.push_back({{"objective", pair.first}, {"weight", NumberOrText(pair.second)}});
  }
  return list;
}

Json MetricsOf(const RequestField& field) {
  Json list = Json::array();
  for (const std::string& text : field.values) {
    auto json = ParseJson(text);
    list.push_back(json && json->is_object() ? *json : Json(text));
  }
  return list.size() == 1 ? list[0] : list;
}

Result<Json> ValueOf(const RequestField& field) {
  Json list = Json::array();
  switch (field.kind) {
    case RequestValue::kText: return Json(field.values.back());
    case RequestValue::kNumber: return NumberOrText(field.values.back());
    case RequestValue::kBool: return BoolOf(field, field.values.back());
    case RequestValue::kTexts: return Json(field.values);
    case RequestValue::kWords:
      for (const std::string& word : field.values) list.push_back(QuoteWord(word));
      return list;
    case RequestValue::kTextMap:
    case RequestValue::kSources:
    case RequestValue::kBoolMap: return MapOf(field);
    case RequestValue::kMetrics: return MetricsOf(field);
    case RequestValue::kObjectives: return ObjectivesOf(field);
  }
  return list;
}

// Where `path` lies below `json`; objects on the way are made. The data set's own place is its "path" where it is an object.
Json& Place(Json& json, std::string_view path) {
  size_t dot = path.find('.');
  Json& field = json[std::string(path.substr(0, dot))];
  if (dot == std::string_view::npos) return path == "dataset" && field.is_object() ? field["path"] : field;
  if (field.is_string()) field = {{"path", field}};
  if (!field.is_object()) field = Json::object();
  return Place(field, path.substr(dot + 1));
}

}  // namespace

Result<std::string> SetRequestFields(std::string_view request, const std::vector<RequestField>& fields) {
  auto json = request.empty() ? std::optional(Json::object()) : ParseJson(request);
  if (!json || !json->is_object()) return InvalidArgument("the request must be a JSON object", "BAD_REQUEST");
  for (const RequestField& field : fields) {
    NS_ASSIGN_OR_RETURN(Json value, ValueOf(field));
    Place(*json, field.path) = std::move(value);
  }
  return Dump(*json);
}

}  // namespace ns
