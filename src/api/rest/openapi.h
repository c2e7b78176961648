// The description of the REST API, made from the table that answers it.
#pragma once

#include <string>
#include <vector>

#include "api/rest/router.h"

namespace ns {

// OpenAPI 3.1 of these routes, compact JSON. A route without a doc, or with one that names no known schema, is a broken invariant (NS_CHECK).
std::string OpenApiJson(const std::vector<Route>& routes);

// {"POST /task/submit": "summary", ...}: GET /description.
std::string DescriptionJson(const std::vector<Route>& routes);

// "#/components/schemas" as JSON text.
std::string ApiSchemas();

// What any call may answer, whatever it does.
const std::vector<AnswerDoc>& ForEveryCall();

}  // namespace ns
