#include "api/rest/router.h"

#include "api/rest/target.h"

namespace ns {

namespace {

bool Fits(const std::vector<std::string>& want, const std::vector<std::string>& have) {
  if (want.size() != have.size()) return false;
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i].front() != '{' && want[i] != have[i]) return false;
  }
  return true;
}

std::vector<std::string> Segments(const std::string& pattern) { return ParseTarget(pattern).value().segments; }

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) segments_.push_back(Segments(route.pattern));
}

Router::Match Router::Find(Request& request) const {
  Match match;
  const std::string* pattern = nullptr;  // the first that fits: it names the path, whatever others would fit, too
  for (size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    if (pattern != nullptr ? route.pattern != *pattern : !Fits(segments_[i], request.segments)) continue;
    pattern = &route.pattern;
    bool head = request.method == "HEAD" && route.method == "GET";
    if (route.method != request.method && !head) {
      match.allowed.push_back(route.method);
      if (route.method == "GET") match.allowed.push_back("HEAD");
      continue;
    }
    for (size_t at = 0; at < segments_[i].size(); ++at) {
      const std::string& name = segments_[i][at];
      if (name.front() == '{') request.path_values[name.substr(1, name.size() - 2)] = request.segments[at];
    }
    match.route = &route;
    return match;
  }
  return match;
}

}  // namespace ns
