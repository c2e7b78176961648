#include "fetch/http_question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "fetch/testing/http_server.h"

namespace ns {
namespace {

class HttpQuestionTest : public testing::Test {
 protected:
  HttpQuestionTest() {
    options_.rules.allowed = ParseCidrBlocks("127.0.0.1").value();
    options_.first_wait_seconds = 0.01;
    options_.tries = 3;
  }
  Result<WebAnswer> Get(const std::string& url) { return AskHttp(HttpMethod::kGet, url, options_); }

  FetchOptions options_;
};

TEST_F(HttpQuestionTest, GivesAnyAnswerWithItsHeaders) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "404 Not Found", "X-Why: Gone\r\n", "no such thing"); });
  WebAnswer answer = Get(server.url("/a")).value();
  EXPECT_EQ(answer.code, 404);
  EXPECT_EQ(answer.headers.Get("x-why"), "Gone");
  EXPECT_EQ(answer.body, "no such thing");
}

TEST_F(HttpQuestionTest, AHeadHasNoBody) {
  TestHttpServer server([](const TestRequest&, int socket) { SendText(socket, "HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: 1000\r\n\r\n"); });
  WebAnswer answer = AskHttp(HttpMethod::kHead, server.url("/a"), options_).value();
  EXPECT_EQ(server.requests()[0].method, "HEAD");
  EXPECT_EQ(answer.headers.Get("content-length"), "1000");
  EXPECT_EQ(answer.body, "");
}

TEST_F(HttpQuestionTest, ARedirectIsFollowedOnTheSameServerOnly) {
  TestHttpServer server([](const TestRequest& request, int socket) {
    std::string to = request.path == "/a" ? "/b" : "http://storage.example.org/c";
    SendAnswer(socket, "302 Found", "Location: " + to + "\r\n", "");
  });
  options_.bearer = "secret";
  WebAnswer answer = Get(server.url("/a")).value();
  EXPECT_EQ(answer.code, 302);
  EXPECT_EQ(answer.url, server.url("/b"));
  EXPECT_EQ(server.requests()[1].headers.at("authorization"), "Bearer secret");
}

TEST_F(HttpQuestionTest, EndlessRedirectsEnd) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "302 Found", "Location: /a\r\n", ""); });
  EXPECT_EQ(Get(server.url("/a")).status().reason(), "TOO_MANY_REDIRECTS");
}

TEST_F(HttpQuestionTest, FaultsThatMayPassAreAskedAgain) {
  std::atomic<int> asked{0};
  TestHttpServer server([&](const TestRequest&, int socket) { SendAnswer(socket, ++asked < 3 ? "503 Service Unavailable" : "200 OK", "", "x"); });
  EXPECT_EQ(Get(server.url("/a"))->code, 200);
  asked = -10;
  EXPECT_EQ(Get(server.url("/a")).status().reason(), "FETCH_FAILED");
}

TEST_F(HttpQuestionTest, TheLimitIsOfTheBody) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", "12345"); });
  options_.max_bytes = 4;
  EXPECT_EQ(Get(server.url("/a")).status().reason(), "FILE_TOO_LARGE");
  options_.max_bytes = 5;
  EXPECT_EQ(Get(server.url("/a"))->body, "12345");
}

TEST_F(HttpQuestionTest, TheAddressRulesHold) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", ""); });
  options_.rules = {};
  EXPECT_EQ(Get(fmt::format("http://localhost:{}/", server.port())).status().reason(), "PRIVATE_ADDRESS");
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace ns
