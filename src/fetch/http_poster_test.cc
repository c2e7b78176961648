#include "fetch/http_poster.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "fetch/testing/http_server.h"

namespace ns {
namespace {

HttpPoster::Options Loopback() {
  HttpPoster::Options options;
  options.rules.allowed = ParseCidrBlocks("127.0.0.1").value();
  return options;
}

std::future<Result<int>> Post(HttpPoster& poster, const std::string& url, const std::string& body = "{}") {
  auto promise = std::make_shared<std::promise<Result<int>>>();
  poster.Send({url, body, {"Content-Type: application/json", "X-Test: 1"}}, [promise](Result<int> result) { promise->set_value(std::move(result)); });
  return promise->get_future();
}

TEST(HttpPosterTest, SendsTheBodyAndTellsTheAnswer) {
  TestHttpServer server([](const TestRequest& request, int socket) {
    SendAnswer(socket, request.path == "/moved" ? "302 Found" : "200 OK", "Location: /elsewhere\r\n", "thanks");
  });
  HttpPoster poster(Loopback());
  EXPECT_EQ(Post(poster, server.url("/hook"), "{\"a\": 1}").get().value(), 200);
  EXPECT_EQ(server.requests()[0].method, "POST");
  EXPECT_EQ(server.requests()[0].body, "{\"a\": 1}");
  EXPECT_EQ(server.requests()[0].headers.at("x-test"), "1");
  EXPECT_EQ(Post(poster, server.url("/moved")).get().value(), 302);
}

TEST(HttpPosterTest, GoesOnlyWhereTheRulesAllow) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", ""); });
  HttpPoster poster(HttpPoster::Options{});
  EXPECT_EQ(Post(poster, server.url("/")).get().status().reason(), "PRIVATE_ADDRESS");
  EXPECT_EQ(Post(poster, fmt::format("http://localhost:{}/", server.port())).get().status().reason(), "PRIVATE_ADDRESS");
  EXPECT_EQ(Post(poster, "file:///etc/passwd").get().status().reason(), "BAD_SCHEME");
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpPosterTest, ASlowAnswerHoldsUpNobody) {
  std::promise<void> release;
  auto released = release.get_future().share();
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (request.path == "/slow") released.wait();
    SendAnswer(socket, "204 No Content", "", "");
  });
  HttpPoster poster(Loopback());
  auto slow = Post(poster, server.url("/slow"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Post(poster, server.url("/quick")).get().value(), 204);
  EXPECT_EQ(slow.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  release.set_value();
  EXPECT_EQ(slow.get().value(), 204);
}

TEST(HttpPosterTest, GivesUpInTimeAndCanGoAtAnyMoment) {
  std::promise<void> release;
  auto released = release.get_future().share();
  TestHttpServer server([&](const TestRequest&, int) { released.wait(); });
  HttpPoster::Options options = Loopback();
  options.total_seconds = 0.2;
  HttpPoster poster(options);
  EXPECT_EQ(Post(poster, server.url("/")).get().status().reason(), "POST_FAILED");
  {
    HttpPoster going(Loopback());
    going.Send({server.url("/"), "", {}}, [](Result<int>) { FAIL(); });
  }
  release.set_value();
}

}  // namespace
}  // namespace ns
