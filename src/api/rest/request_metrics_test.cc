#include "api/rest/request_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace ns {
namespace {

using testing::HasSubstr;

TEST(RequestMetricsTest, AnswersAreCountedByRouteAndCode) {
  std::vector<Route> routes(2);
  routes[0].method = "GET";
  routes[0].pattern = "/counted/{id}";
  routes[1].method = "POST";
  routes[1].pattern = "/counted";
  RequestMetrics metrics(routes);
  metrics.Of(&routes[0]).Answered(200, std::chrono::milliseconds(3));
  metrics.Of(&routes[0]).Answered(200, std::chrono::milliseconds(30));
  metrics.Of(&routes[1]).Answered(507, std::chrono::milliseconds(3));
  Route other;
  metrics.Of(&other).Answered(404, std::chrono::milliseconds(1));
  std::string text = Metrics().Text();
  EXPECT_THAT(text, HasSubstr(R"(neural_solution_request_seconds_bucket{method="GET",route="/counted/{id}",code="200",le="0.005"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(neural_solution_request_seconds_count{method="GET",route="/counted/{id}",code="200"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(neural_solution_request_seconds_count{method="POST",route="/counted",code="507"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(neural_solution_request_seconds_count{method="",route="none",code="404"} 1)"));
}

TEST(RequestMetricsTest, AClientsRequestIdIsTakenWhenItCanHarmNobody) {
  EXPECT_TRUE(IsRequestId("7f-3.A_b"));
  EXPECT_TRUE(IsRequestId(std::string(64, 'x')));
  for (const std::string& bad : {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a\nb"), std::string("\xC3\xA9")}) {
    EXPECT_FALSE(IsRequestId(bad)) << bad;
  }
}

TEST(RequestMetricsTest, NoIdComesTwice) {
  std::set<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.insert(NewRequestId());
  EXPECT_EQ(ids.size(), 1'000u);
  EXPECT_TRUE(IsRequestId(*ids.begin()));
}

}  // namespace
}  // namespace ns
