#include "api/rest/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/status.h"

namespace ns {

namespace {

using Json = nlohmann::ordered_json;

Json SchemaRef(const std::string& name, const Json& schemas, const Route& route) {
  NS_CHECK(schemas.contains(name), "{} {}: no schema '{}'", route.method, route.pattern, name);
  return {{"$ref", "#/components/schemas/" + name}};
}

Json Parameter(const ParameterDoc& doc) {
  Json json = {{"name", doc.name}, {"in", doc.in}, {"required", doc.in == "path"}, {"description", doc.description}};
  json["schema"] = Json::parse(doc.schema);
  return json;
}

// The {names} of the pattern, unless the route describes them itself.
std::vector<ParameterDoc> Parameters(const Route& route) {
  std::vector<ParameterDoc> all;
  for (size_t at = 0; (at = route.pattern.find('{', at)) != std::string::npos; ++at) {
    std::string name = route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1);
    bool own = std::any_of(route.doc.parameters.begin(), route.doc.parameters.end(), [&](const auto& doc) { return doc.name == name; });
    if (own) continue;
    NS_CHECK(name == "id", "{} {}: nothing says what {{{}}} is", route.method, route.pattern, name);
    all.push_back({"id", "path", R"({"type":"string","pattern":"^[0-9a-fA-F]{12}[1-5][0-9a-fA-F]{3}[89abAB][0-9a-fA-F]{15}$"})", "the task's id"});
  }
  all.insert(all.end(), route.doc.parameters.begin(), route.doc.parameters.end());
  return all;
}

void AddAnswer(const AnswerDoc& doc, const Json& schemas, const Route& route, Json* answers) {
  Json& answer = (*answers)[std::to_string(doc.status)];
  if (!answer.contains("description")) answer["description"] = doc.description;
  if (doc.content_type.empty()) return;
  Json media = Json::object();
  if (!doc.schema.empty()) media["schema"] = SchemaRef(doc.schema, schemas, route);
  answer["content"][doc.content_type] = media;
}

Json Operation(const Route& route, const Json& schemas) {
  const RouteDoc& doc = route.doc;
  NS_CHECK(!doc.summary.empty() && !doc.answers.empty(), "{} {} is not described", route.method, route.pattern);
  Json json = {{"summary", doc.summary}};
  for (const ParameterDoc& parameter : Parameters(route)) json["parameters"].push_back(Parameter(parameter));
  if (doc.body == "binary") {
    json["requestBody"] = {{"required", true}, {"content", {{"application/octet-stream", Json::object()}}}};
  } else if (!doc.body.empty()) {
    json["requestBody"] = {{"required", true}, {"content", {{"application/json", {{"schema", SchemaRef(doc.body, schemas, route)}}}}}};
  }
  for (const AnswerDoc& answer : doc.answers) AddAnswer(answer, schemas, route, &json["responses"]);
  for (const AnswerDoc& answer : ForEveryCall()) {
    if (!json["responses"].contains(std::to_string(answer.status))) AddAnswer(answer, schemas, route, &json["responses"]);
  }
  return json;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

const std::vector<AnswerDoc>& ForEveryCall() {
  static const std::vector<AnswerDoc> answers = {
      {400, "not an HTTP request that can be understood", "application/json", "Error"},
      {401, "a token is needed, or this one is not valid", "application/json", "Error"},
      {403, "the token does not allow this", "application/json", "Error"},
      {429, "too many requests; Retry-After says when", "application/json", "Error"},
      {503, "the service is stopping, or has no connection free; Retry-After says when", "application/json", "Error"},
  };
  return answers;
}

std::string OpenApiJson(const std::vector<Route>& routes) {
  Json schemas = Json::parse(ApiSchemas());
  Json json = {{"openapi", "3.1.0"},
               {"info",
                {{"title", "Neural Solution"},
                 {"version", "1"},
                 {"description", "Model optimization as a service. A path takes a slash more or less at its end; a GET may be a HEAD. Answers are "
                                 "compressed for clients that send Accept-Encoding: gzip."},
                 {"license", {{"name", "Apache License 2.0"}, {"identifier", "Apache-2.0"}}}}}};
  json["paths"] = Json::object();
  for (const Route& route : routes) json["paths"][route.pattern][Lower(route.method)] = Operation(route, schemas);
  json["components"]["schemas"] = std::move(schemas);
  json["components"]["securitySchemes"]["token"] = {{"type", "http"}, {"scheme", "bearer"}};
  json["security"] = Json::array({Json::object(), Json{{"token", Json::array()}}});  // none is needed on the machine itself
  return json.dump();
}

std::string DescriptionJson(const std::vector<Route>& routes) {
  Json json = Json::object();
  for (const Route& route : routes) {
    Json& call = json[route.pattern][Lower(route.method)];
    call["description"] = route.doc.summary;
    for (const ParameterDoc& parameter : Parameters(route)) call["parameters"].push_back(parameter.name);
    for (const AnswerDoc& answer : route.doc.answers) call["responses"][std::to_string(answer.status)]["description"] = answer.description;
  }
  return json.dump();
}

}  // namespace ns
