#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "api/rest/server.h"
#include "api/rest/testing/raw_client.h"

namespace ns {
namespace {

using testing::HasSubstr;

// Counts what arrives; refuses the piece with which it becomes more than 1 MiB.
class Counter final : public BodySink {
 public:
  Counter(std::atomic<size_t>& largest, std::atomic<int>& broken) : largest_(largest), broken_(broken) {}
  ~Counter() override {
    if (!finished_) ++broken_;
  }
  std::optional<Response> Take(std::string_view piece) override {
    largest_ = std::max<size_t>(largest_, piece.size());
    size_ += piece.size();
    if (size_ > (1 << 20)) return JsonResponse(413, "too much");
    return std::nullopt;
  }
  void Finish(Responder respond) override {
    finished_ = true;
    respond(JsonResponse(200, std::to_string(size_)));
  }

 private:
  std::atomic<size_t>& largest_;
  std::atomic<int>& broken_;
  size_t size_ = 0;
  bool finished_ = false;
};

class StreamedBody : public testing::Test {
 protected:
  void SetUp() override {
    Route up;
    up.method = "PUT";
    up.pattern = "/up/{name}";
    up.stream = [this](const Request& head, Responder respond) -> std::unique_ptr<BodySink> {
      if (head.Value("name") == "no") return respond(JsonResponse(403, "no")), nullptr;
      return std::make_unique<Counter>(largest_, broken_);
    };
    RestServer::Options options;
    options.port = 0;
    options.max_body_bytes = 10;  // of other routes
    server_ = RestServer::Listen(options, Router({up})).value();
    server_->Serve();
  }

  FileDescriptor Connect() { return ConnectTo(server_->port()); }

  std::atomic<size_t> largest_{0};
  std::atomic<int> broken_{0};
  std::unique_ptr<RestServer> server_;
};

TEST_F(StreamedBody, ArrivesInPiecesAndTheConnectionLivesOn) {
  FileDescriptor fd = Connect();
  for (int round = 0; round < 2; ++round) {
    Write(fd, "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
    EXPECT_THAT(ReadSome(fd), testing::EndsWith("\r\n\r\n1000000"));
  }
  EXPECT_LE(largest_, 256u << 10);
  EXPECT_EQ(broken_, 0);
}

TEST_F(StreamedBody, MayComeInChunksAndMayBeEmpty) {
  FileDescriptor fd = Connect();
  Write(fd, "PUT /up/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(ReadSome(fd), testing::EndsWith("\r\n\r\n5"));
  Write(fd, "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(ReadSome(fd), testing::EndsWith("\r\n\r\n0"));
}

TEST_F(StreamedBody, IsNotAskedForWhenTheHeadIsRefused) {
  FileDescriptor fd = Connect();
  Write(fd, "PUT /up/no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_THAT(ReadSome(fd), HasSubstr(" 403 "));
  FileDescriptor other = Connect();
  Write(other, "PUT /up/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(ReadSome(other), HasSubstr(" 100 Continue"));
  Write(other, "abc");
  EXPECT_THAT(ReadSome(other), testing::EndsWith("\r\n\r\n3"));
}

TEST_F(StreamedBody, RefusedInTheMiddleIsAnsweredAtOnce) {
  FileDescriptor fd = Connect();
  Write(fd, "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + std::string(1'200'000, 'x'));
  EXPECT_THAT(ReadSome(fd), HasSubstr(" 413 "));
}

TEST_F(StreamedBody, BrokenOffIsToldToTheSink) {
  FileDescriptor fd = Connect();
  Write(fd, "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  while (largest_ == 0) ::usleep(1000);
  fd.reset();
  for (int round = 0; round < 5000 && broken_ == 0; ++round) ::usleep(1000);
  EXPECT_EQ(broken_, 1);
}

}  // namespace
}  // namespace ns
