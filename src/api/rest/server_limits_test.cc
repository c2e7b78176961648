// What the server does with clients that are too many, too slow, or silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "api/rest/server.h"
#include "api/rest/testing/raw_client.h"

namespace ns {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

// Has nothing to say, or without end.
class Source final : public BodySource {
 public:
  Source(bool talks, std::atomic<int>& gone) : talks_(talks), gone_(gone) {}
  ~Source() override { ++gone_; }
  std::optional<Piece> Read() override {
    if (!talks_) return std::nullopt;
    Piece piece;
    piece.data.assign(1 << 20, 'x');
    return piece;
  }

 private:
  const bool talks_;
  std::atomic<int>& gone_;
};

class ServerLimits : public testing::Test {
 protected:
  void Serve(const std::function<void(RestServer::Options&)>& change) {
    Route hello, echo, stream;
    hello.method = stream.method = "GET";
    hello.pattern = "/hello";
    hello.handler = [](const Request&, Responder respond) { respond(JsonResponse(200, "\"hello\"")); };
    echo.method = "POST";
    echo.pattern = "/echo";
    echo.handler = [](const Request& request, Responder respond) { respond(JsonResponse(200, request.body)); };
    stream.pattern = "/stream/{kind}";
    stream.handler = [this](const Request& request, Responder respond) {
      Response response;
      response.content_type = "text/event-stream";
      response.source = std::make_shared<Source>(request.Value("kind") == "talks", gone_);
      response.heartbeat = ":\n\n";
      respond(std::move(response));
    };
    RestServer::Options options;
    options.port = 0;
    change(options);
    server_ = RestServer::Listen(options, Router({hello, echo, stream})).value();
    server_->Serve();
  }
  FileDescriptor Connect() { return ConnectTo(server_->port()); }
  // The answer to one request on a connection that stays open.
  std::string Ask(const FileDescriptor& fd) {
    Write(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    return ReadSome(fd);
  }

  std::atomic<int> gone_{0};
  std::unique_ptr<RestServer> server_;
};

TEST_F(ServerLimits, OneConnectionTooManyIsTurnedAwayWith503AndServedWhenAnotherHasGone) {
  Serve([](RestServer::Options& options) { options.max_connections = 2; });
  FileDescriptor first = Connect(), second = Connect();
  EXPECT_THAT(Ask(first), HasSubstr(" 200 "));
  EXPECT_THAT(Ask(second), HasSubstr(" 200 "));
  FileDescriptor third = Connect();
  std::string refusal = ReadSome(third);  // without having asked
  EXPECT_THAT(refusal, testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refusal, HasSubstr("Retry-After: 5\r\n"));
  EXPECT_THAT(refusal, testing::EndsWith("{\"detail\":\"too many connections\"}"));
  EXPECT_EQ(ReadSome(third), "");
  EXPECT_THAT(Ask(second), HasSubstr(" 200 "));  // those inside see nothing of it
  first.reset();
  std::string answer;
  for (int round = 0; round < 500 && answer.find(" 200 ") == std::string::npos; ++round) {
    ::usleep(10'000);
    answer = Ask(Connect());
  }
  EXPECT_THAT(answer, HasSubstr(" 200 "));
}

TEST_F(ServerLimits, ARequestThatDoesNotBecomeWholeInTimeIsBrokenOff) {
  Serve([](RestServer::Options& options) { options.read_timeout = milliseconds(200); });
  for (const char* half : {"", "GET /hello HT", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"}) {
    FileDescriptor fd = Connect();
    auto began = steady_clock::now();
    Write(fd, half);
    EXPECT_EQ(ReadSome(fd), "") << half;
    EXPECT_GE(steady_clock::now() - began, milliseconds(190)) << half;
  }
  FileDescriptor whole = Connect();
  EXPECT_THAT(Ask(whole), HasSubstr(" 200 "));
}

TEST_F(ServerLimits, BetweenRequestsAConnectionWaitsForItsOwnTime) {
  Serve([](RestServer::Options& options) {
    options.read_timeout = milliseconds(100);
    options.keep_alive_timeout = milliseconds(600);
  });
  FileDescriptor fd = Connect();
  EXPECT_THAT(Ask(fd), HasSubstr(" 200 "));
  ::usleep(250'000);
  EXPECT_THAT(Ask(fd), HasSubstr(" 200 "));
  auto began = steady_clock::now();
  EXPECT_EQ(ReadSome(fd), "");
  EXPECT_GE(steady_clock::now() - began, milliseconds(590));
}

TEST_F(ServerLimits, AClientThatTakesNothingOfItsAnswerIsLetGo) {
  Serve([](RestServer::Options& options) { options.read_timeout = milliseconds(200); });
  FileDescriptor fd = Connect();
  Write(fd, "GET /stream/talks HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int round = 0; round < 1000 && gone_ == 0; ++round) ::usleep(10'000);
  EXPECT_EQ(gone_, 1);
}

TEST_F(ServerLimits, ASilentStreamHasHeartbeatsForAsLongAsItLasts) {
  Serve([](RestServer::Options& options) {
    options.heartbeat = milliseconds(50);
    options.read_timeout = milliseconds(100);  // of no concern to a stream that is taken
  });
  FileDescriptor fd = Connect();
  Write(fd, "GET /stream/silent HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string text = ReadSome(fd);
  EXPECT_THAT(text, HasSubstr("Content-Type: text/event-stream"));
  text.erase(0, text.find("\r\n\r\n") + 4);
  while (text.size() < 5 * 8) {
    std::string more = ReadSome(fd);
    ASSERT_NE(more, "");
    text += more;
  }
  EXPECT_THAT(text, testing::StartsWith("3\r\n:\n\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n\r\n"));
  EXPECT_EQ(gone_, 0);
  fd.reset();
  for (int round = 0; round < 1000 && gone_ == 0; ++round) ::usleep(10'000);
  EXPECT_EQ(gone_, 1);  // the next heartbeat finds nobody
}

}  // namespace
}  // namespace ns
