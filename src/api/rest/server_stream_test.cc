#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "api/rest/server.h"
#include "base/file.h"

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

  FileDescriptor Connect() {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server_->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  static std::string Read(int fd, size_t at_most = 1 << 16) {
    std::string text(at_most, '\0');
    ssize_t got = ::recv(fd, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }
  static void Write(int fd, const std::string& text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

  std::atomic<size_t> largest_{0};
  std::atomic<int> broken_{0};
  std::unique_ptr<RestServer> server_;
};

TEST_F(StreamedBody, ArrivesInPiecesAndTheConnectionLivesOn) {
  FileDescriptor fd = Connect();
  for (int round = 0; round < 2; ++round) {
    Write(fd.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
    EXPECT_THAT(Read(fd.get()), testing::EndsWith("\r\n\r\n1000000"));
  }
  EXPECT_LE(largest_, 256u << 10);
  EXPECT_EQ(broken_, 0);
}

TEST_F(StreamedBody, MayComeInChunksAndMayBeEmpty) {
  FileDescriptor fd = Connect();
  Write(fd.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(Read(fd.get()), testing::EndsWith("\r\n\r\n5"));
  Write(fd.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(Read(fd.get()), testing::EndsWith("\r\n\r\n0"));
}

TEST_F(StreamedBody, IsNotAskedForWhenTheHeadIsRefused) {
  FileDescriptor fd = Connect();
  Write(fd.get(), "PUT /up/no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_THAT(Read(fd.get()), HasSubstr(" 403 "));
  FileDescriptor other = Connect();
  Write(other.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(Read(other.get()), HasSubstr(" 100 Continue"));
  Write(other.get(), "abc");
  EXPECT_THAT(Read(other.get()), testing::EndsWith("\r\n\r\n3"));
}

TEST_F(StreamedBody, RefusedInTheMiddleIsAnsweredAtOnce) {
  FileDescriptor fd = Connect();
  Write(fd.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + std::string(1'200'000, 'x'));
  EXPECT_THAT(Read(fd.get()), HasSubstr(" 413 "));
}

TEST_F(StreamedBody, BrokenOffIsToldToTheSink) {
  FileDescriptor fd = Connect();
  Write(fd.get(), "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  while (largest_ == 0) ::usleep(1000);
  fd.reset();
  for (int round = 0; round < 5000 && broken_ == 0; ++round) ::usleep(1000);
  EXPECT_EQ(broken_, 1);
}

}  // namespace
}  // namespace ns
