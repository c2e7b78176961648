#include "api/rest/openapi.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "api/rest/handlers/routes.h"
#include "api/rest/origin.h"

namespace ns {
namespace {

using Json = nlohmann::ordered_json;

std::set<std::string> Described(const Json& api) {
  std::set<std::string> calls;
  for (const auto& [path, methods] : api["paths"].items()) {
    for (const auto& [method, call] : methods.items()) calls.insert(method + " " + path);
  }
  return calls;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

TEST(OpenApiTest, DescribesEveryRouteAndNothingElse) {
  std::set<std::string> served;
  for (const RouteEntry& route : RouteTable()) served.insert(Lower(route.method) + " " + route.pattern);
  EXPECT_EQ(Described(Json::parse(OpenApiJson(DescribedRoutes()))), served);
  EXPECT_EQ(served.size(), RouteTable().size()) << "a call is in the table twice";
}

void CollectReferences(const Json& json, std::set<std::string>* references) {
  if (json.is_object() && json.contains("$ref")) references->insert(json["$ref"].get<std::string>());
  if (!json.is_structured()) return;
  for (const auto& item : json) CollectReferences(item, references);
}

TEST(OpenApiTest, EveryReferenceLeadsToASchemaAndEverySchemaIsUsed) {
  Json api = Json::parse(OpenApiJson(DescribedRoutes()));
  std::set<std::string> references, schemas;
  CollectReferences(api, &references);
  for (const auto& [name, schema] : api["components"]["schemas"].items()) schemas.insert("#/components/schemas/" + name);
  EXPECT_EQ(references, schemas);
}

TEST(OpenApiTest, EveryPlaceInAPatternIsAParameterOfItsPath) {
  Json api = Json::parse(OpenApiJson(DescribedRoutes()));
  for (const auto& [path, methods] : api["paths"].items()) {
    for (const auto& [method, call] : methods.items()) {
      std::set<std::string> names;
      for (const auto& parameter : call.value("parameters", Json::array())) {
        if (parameter["in"] == "path") names.insert("{" + parameter["name"].get<std::string>() + "}");
      }
      for (const std::string& name : names) EXPECT_NE(path.find(name), std::string::npos) << path;
      EXPECT_EQ(static_cast<size_t>(std::count(path.begin(), path.end(), '{')), names.size()) << path;
    }
  }
}

TEST(OpenApiTest, NamesWhatTheCodeKnows) {
  std::string schemas = ApiSchemas();
  EXPECT_EQ(schemas.find("\"@"), std::string::npos) << "a mark that nothing replaced";
  EXPECT_NE(schemas.find(R"("f1_macro")"), std::string::npos);
  EXPECT_NE(schemas.find(R"("moving_average")"), std::string::npos);
}

TEST(OriginTest, AnotherSitesPageMayReadButNotChangeOrListen) {
  Request request;
  request.method = "POST";
  request.headers = {{"Host", "127.0.0.1:8000"}};
  EXPECT_TRUE(IsSameOrigin(request));  // a program
  request.headers.emplace_back("Origin", "http://127.0.0.1:8000");
  EXPECT_TRUE(IsSameOrigin(request));
  for (const char* other : {"http://127.0.0.1:9000", "https://evil.example", "null", "http://127.0.0.1:8000.evil.example"}) {
    request.headers[1].second = other;
    request.method = "POST";
    EXPECT_FALSE(IsSameOrigin(request)) << other;
    request.method = "GET";
    EXPECT_TRUE(IsSameOrigin(request)) << other;
    request.headers.emplace_back("Upgrade", "websocket");
    EXPECT_FALSE(IsSameOrigin(request)) << other;
    request.headers.pop_back();
  }
}

TEST(OriginTest, ANameThatSomebodyElseGaveThisMachineIsNotItsOwn) {
  Request request;
  EXPECT_TRUE(IsOwnHost(request, "node1"));  // HTTP/1.0
  for (const char* own : {"127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "localhost:8000", "LOCALHOST", "node1:80", "10.1.2.3"}) {
    request.headers = {{"Host", own}};
    EXPECT_TRUE(IsOwnHost(request, "node1")) << own;
  }
  for (const char* other : {"evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "node2"}) {
    request.headers = {{"Host", other}};
    EXPECT_FALSE(IsOwnHost(request, "node1")) << other;
  }
}

}  // namespace
}  // namespace ns
