// The one table of the REST API: what answers each call, and what GET /openapi.json says of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/rest/router.h"
#include "service/task_service.h"

namespace ns {

struct RouteEntry {
  std::string method;
  std::string pattern;
  bool blocking = false;  // as in Route
  void (*handler)(TaskService&, const Request&, Responder) = nullptr;
  RouteDoc doc;
  bool (*at_once)(TaskService&, const Request&, const Responder&) = nullptr;  // as in Route
  // Instead of `handler`, as in Route.
  std::unique_ptr<BodySink> (*stream)(TaskService&, const Request&, Responder) = nullptr;
};

const std::vector<RouteEntry>& RouteTable();

// The routes with their docs, without anything that answers them.
std::vector<Route> DescribedRoutes();

}  // namespace ns
