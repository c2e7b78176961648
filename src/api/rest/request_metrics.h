// What the server counts of its requests.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/rest/router.h"
#include "base/metrics.h"

namespace ns {

// What a client may choose: 1 to 64 letters, digits, '-', '_' and '.'.
bool IsRequestId(std::string_view text);
// One that no other request of this machine has.
std::string NewRequestId();

// The answers of one route, by status code. Thread-safe.
class RouteMetrics {
 public:
  RouteMetrics(std::string method, std::string pattern) : method_(std::move(method)), pattern_(std::move(pattern)) {}
  // `took`: from the whole request being there to its answer being handed to the socket.
  void Answered(int status, std::chrono::nanoseconds took);

 private:
  const std::string method_, pattern_;
  std::mutex mutex_;
  std::vector<std::pair<int, Histogram*>> by_status_;
};

// All routes of a router. Thread-safe.
class RequestMetrics {
 public:
  explicit RequestMetrics(const std::vector<Route>& routes);
  // null: a request that no route fits; counted under the route "none".
  RouteMetrics& Of(const Route* route);

  Gauge& connections;
  Counter& accepted;

 private:
  std::map<const Route*, RouteMetrics> routes_;
};

}  // namespace ns
