#include "api/rest/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/rest/target.h"
#include "api/wire/http_status.h"

namespace ns {
namespace {

using testing::ElementsAre;

Router Table() {
  auto none = [](const Request&, Responder) {};
  return Router({{"GET", "/", false, none}, {"GET", "/task/status/{id}", false, none}, {"POST", "/task/submit", false, none},
                 {"GET", "/task/{id}", false, none}});
}

Router::Match Find(const Router& router, const std::string& method, const std::string& path, Request* request) {
  request->method = method;
  request->segments = ParseTarget(path).value().segments;
  return router.Find(*request);
}

TEST(RouterTest, ASlashMoreAtTheEndMakesNoDifference) {
  Router router = Table();
  Request request;
  EXPECT_EQ(Find(router, "POST", "/task/submit/", &request).route->pattern, "/task/submit");
  EXPECT_EQ(Find(router, "GET", "/task/status/7", &request).route->pattern, "/task/status/{id}");
  EXPECT_EQ(request.Value("id"), "7");
  EXPECT_EQ(Find(router, "HEAD", "/", &request).route->pattern, "/");
}

TEST(RouterTest, AWrongMethodNamesTheRightOnes) {
  Router router = Table();
  Request request;
  auto match = Find(router, "DELETE", "/task/submit", &request);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_THAT(match.allowed, ElementsAre("POST"));  // not GET, though /task/{id} would fit, too
  EXPECT_THAT(Find(router, "POST", "/task/status/7", &request).allowed, ElementsAre("GET", "HEAD"));
  EXPECT_THAT(Find(router, "GET", "/task/submit", &request).allowed, ElementsAre("POST"));
  EXPECT_THAT(Find(router, "GET", "/none/at/all", &request).allowed, ElementsAre());
}

TEST(TargetTest, DecodesPathAndQuery) {
  Target target = ParseTarget("/a%20b/%C3%A9?x=1+2&y=%26&x=3&flag#part").value();
  EXPECT_EQ(target.path, "/a b/\xC3\xA9");
  EXPECT_THAT(target.segments, ElementsAre("a b", "\xC3\xA9"));
  EXPECT_EQ(target.query, (std::map<std::string, std::string>{{"x", "3"}, {"y", "&"}, {"flag", ""}}));
}

TEST(TargetTest, AnEncodedSlashSeparatesNothing) {
  EXPECT_THAT(ParseTarget("/download/a%2Fb/").value().segments, ElementsAre("download", "a/b"));
  EXPECT_THAT(ParseTarget("//x").value().segments, ElementsAre("x"));
}

TEST(TargetTest, RefusesBrokenEncodingsAndZeroBytes) {
  for (const char* bad : {"", "x", "/%", "/%2", "/%zz", "/%00", "/?a=%"}) EXPECT_FALSE(ParseTarget(bad).ok()) << bad;
  EXPECT_FALSE(ParseTarget(std::string_view("/a\0b", 4)).ok());
}

TEST(HttpStatusTest, FollowsTheContract) {
  EXPECT_EQ(HttpStatusOf(InvalidArgument("x")), 422);
  EXPECT_EQ(HttpStatusOf(NotFound("x")), 404);
  EXPECT_EQ(HttpStatusOf(FailedPrecondition("x")), 409);
  EXPECT_EQ(HttpStatusOf(ResourceExhausted("x", "DISK_FULL")), 507);
  EXPECT_EQ(HttpStatusOf(ResourceExhausted("x")), 429);
  EXPECT_EQ(HttpStatusOf(Unavailable("x")), 503);
  EXPECT_EQ(ErrorResponse(Internal("secret path")).body, R"({"detail":"Internal Server Error"})");
}

}  // namespace
}  // namespace ns
