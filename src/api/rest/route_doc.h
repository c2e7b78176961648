// What GET /openapi.json says of a call. It stands beside the route in the table, so that neither is there without the other.
#pragma once

#include <string>
#include <vector>

namespace ns {

struct ParameterDoc {
  std::string name;
  std::string in;           // "path", "query" or "header"
  std::string schema;       // JSON Schema, as JSON text
  std::string description;
};

struct AnswerDoc {
  int status = 200;
  std::string description;
  std::string content_type;  // "": no body
  std::string schema;        // name in ApiSchemas(); "": any bytes or text
};

struct RouteDoc {
  std::string summary;
  std::vector<ParameterDoc> parameters;  // beside those of the path, which the pattern names
  std::string body;                      // name in ApiSchemas() of the JSON body; "": none; "binary": any bytes
  std::vector<AnswerDoc> answers;        // beside those that every call can have (ForEveryCall())
};

}  // namespace ns
