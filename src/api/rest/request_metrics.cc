#include "api/rest/request_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>

#include "base/hash.h"

namespace ns {

bool IsRequestId(std::string_view text) {
  auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

std::string NewRequestId() {
  static const std::string start = RandomHex(6);
  static std::atomic<uint64_t> count{0};
  return fmt::format("{}-{:x}", start, ++count);
}

void RouteMetrics::Answered(int status, std::chrono::nanoseconds took) {
  Histogram* histogram = nullptr;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [known, its] : by_status_) {
      if (known == status) histogram = its;
    }
    if (histogram == nullptr) {
      histogram = &Metrics().histogram("neural_solution_request_seconds", "Time from a whole request to its answer.", RequestSeconds(),
                                       {{"method", method_}, {"route", pattern_}, {"code", std::to_string(status)}});
      by_status_.emplace_back(status, histogram);
    }
  }
  histogram->Observe(took);
}

RequestMetrics::RequestMetrics(const std::vector<Route>& routes)
    : connections(Metrics().gauge("neural_solution_connections", "Open HTTP connections.")),
      accepted(Metrics().counter("neural_solution_connections_total", "HTTP connections accepted since the start.")) {
  for (const Route& route : routes) routes_.try_emplace(&route, route.method, route.pattern);
  routes_.try_emplace(nullptr, "", "none");
}

RouteMetrics& RequestMetrics::Of(const Route* route) {
  auto found = routes_.find(route);
  return found != routes_.end() ? found->second : routes_.at(nullptr);
}

}  // namespace ns
