#include "api/rest/router.h"

#include <algorithm>
#include <string_view>

namespace ns {

namespace {

std::vector<std::string_view> Parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    if (!part.empty()) parts.push_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

bool Fits(const std::string& pattern, std::string_view path, std::map<std::string, std::string>* values) {
  auto want = Parts(pattern), have = Parts(path);
  if (want.size() != have.size()) return false;
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i].front() == '{') {
      (*values)[std::string(want[i].substr(1, want[i].size() - 2))] = std::string(have[i]);
    } else if (want[i] != have[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

Router::Match Router::Find(Request& request) const {
  Match match;
  for (const Route& route : routes_) {
    std::map<std::string, std::string> values;
    if (!Fits(route.pattern, request.path, &values)) continue;
    if (route.method == request.method || (request.method == "HEAD" && route.method == "GET")) {
      request.path_values = std::move(values);
      match.route = &route;
      return match;
    }
    if (std::find(match.allowed.begin(), match.allowed.end(), route.method) == match.allowed.end()) match.allowed.push_back(route.method);
  }
  return match;
}

bool Router::HasStreams(std::string_view method) const {
  return std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) { return route.stream && route.method == method; });
}

std::string Request::Header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Request::Value(const std::string& name) const {
  auto found = path_values.find(name);
  return found == path_values.end() ? "" : found->second;
}

Response JsonResponse(int status, std::string json) {
  Response response;
  response.status = status;
  response.body = std::move(json);
  return response;
}

}  // namespace ns
