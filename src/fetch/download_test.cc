#include "fetch/download.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

#include "base/file.h"
#include "fetch/download_cache.h"
#include "fetch/http_headers.h"
#include "fetch/testing/http_server.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    options_.rules.allowed = ParseCidrBlocks("127.0.0.1").value();
    options_.first_wait_seconds = 0.01;
    options_.tries = 3;
    options_.stall_seconds = 1;
  }
  Result<Fetched> Get(const std::string& url, const FileVersion& known = {}) { return Download(url, known, folder_.path() / "file", options_); }
  std::string Content() { return ReadFile(folder_.path() / "file").value_or("(none)"); }

  TempDir folder_ = TempDir::Create("download").value();
  FetchOptions options_;
};

TEST_F(DownloadTest, FetchesAFileWithItsNameAndVersion) {
  TestHttpServer server([](const TestRequest& request, int socket) { SendFileAnswer(request, socket, "content", "\"v1\""); });
  Fetched fetched = Get(server.url("/dir/model.onnx?x=1")).value();
  EXPECT_EQ(Content(), "content");
  EXPECT_EQ(fetched.name, "model.onnx");
  EXPECT_EQ(fetched.version.etag, "\"v1\"");
  EXPECT_EQ(fetched.size, 7u);
  EXPECT_TRUE(Get(server.url("/dir/model.onnx?x=1"), fetched.version)->not_modified);
  EXPECT_FALSE(fs::exists(folder_.path() / "file.part"));
}

TEST_F(DownloadTest, ATokenIsForTheAddressesOwnServer) {
  TestHttpServer other([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", "content"); });
  TestHttpServer server([&](const TestRequest& request, int socket) {
    SendAnswer(socket, "302 Found", fmt::format("Location: {}\r\n", request.path == "/a" ? "/b" : other.url("/c")), "");
  });
  options_.bearer = "secret";
  ASSERT_TRUE(Get(server.url("/a")).ok());
  ASSERT_EQ(server.requests().size(), 2u);
  for (const TestRequest& request : server.requests()) EXPECT_EQ(request.headers.at("authorization"), "Bearer secret");
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_FALSE(other.requests()[0].headers.contains("authorization"));
}

TEST_F(DownloadTest, AnEmptyFileIsAFile) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", ""); });
  EXPECT_EQ(Get(server.url("/empty"))->size, 0u);
  EXPECT_EQ(Content(), "");
}

TEST_F(DownloadTest, IsRefusedWhereTheConnectionLeadsByDefault) {
  TestHttpServer server([](const TestRequest&, int socket) { SendAnswer(socket, "200 OK", "", "secret"); });
  options_.rules = {};
  EXPECT_EQ(Get(server.url("/")).status().reason(), "PRIVATE_ADDRESS");
  Status named = Get(fmt::format("http://localhost:{}/", server.port())).status();  // only the look-up tells
  EXPECT_EQ(named.reason(), "PRIVATE_ADDRESS");
  EXPECT_THAT(named.message(), HasSubstr("leads to"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(DownloadTest, ARedirectGetsNoFurtherThanTheRulesAllow) {
  TestHttpServer server([](const TestRequest& request, int socket) {
    std::string to = request.path == "/ftp" ? "ftp://example.org/x" : request.path == "/meta" ? "http://169.254.169.254/x" : "file:///etc/passwd";
    SendAnswer(socket, "302 Found", "Location: " + to + "\r\n", "");
  });
  EXPECT_EQ(Get(server.url("/ftp")).status().reason(), "BAD_SCHEME");
  EXPECT_EQ(Get(server.url("/file")).status().reason(), "BAD_SCHEME");
  EXPECT_EQ(Get(server.url("/meta")).status().reason(), "PRIVATE_ADDRESS");
}

TEST_F(DownloadTest, FollowsRedirectsUpToTheirLimit) {
  TestHttpServer server([](const TestRequest& request, int socket) {
    int left = std::atoi(request.path.c_str() + 1);
    if (left == 0) return SendAnswer(socket, "200 OK", "", "end");
    SendAnswer(socket, "302 Found", fmt::format("Location: /{}\r\n", left - 1), "moved");
  });
  options_.max_redirects = 3;
  EXPECT_TRUE(Get(server.url("/3")).ok());
  EXPECT_EQ(Content(), "end");
  EXPECT_EQ(Get(server.url("/4")).status().reason(), "TOO_MANY_REDIRECTS");
}

TEST_F(DownloadTest, GoesOnWhereATransferBroke) {
  std::string content(300'000, 'x');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
  std::atomic<int> served{0};
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (++served > 1) return SendFileAnswer(request, socket, content, "\"v1\"");
    SendText(socket, fmt::format("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{}", content.size(), content.substr(0, 100'000)));
  });
  ASSERT_TRUE(Get(server.url("/f")).ok());
  EXPECT_EQ(Content(), content);
  EXPECT_EQ(server.requests()[1].headers.at("range"), "bytes=100000-");
  EXPECT_EQ(server.requests()[1].headers.at("if-range"), "\"v1\"");
}

TEST_F(DownloadTest, GoesOnInALaterCall) {
  std::string content(100'000, 'y');
  bool whole = false;
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (whole) return SendFileAnswer(request, socket, content, "\"v1\"");
    SendText(socket, fmt::format("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{}", content.size(), content.substr(0, 60'000)));
  });
  options_.tries = 1;
  EXPECT_TRUE(MayPass(Get(server.url("/f")).status()));
  whole = true;
  ASSERT_TRUE(Get(server.url("/f")).ok());
  EXPECT_EQ(Content(), content);
  EXPECT_EQ(server.requests().back().headers.at("range"), "bytes=60000-");
}

TEST_F(DownloadTest, BeginsAfreshWhenTheFileHasChanged) {
  std::atomic<int> served{0};
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (++served > 1) return SendFileAnswer(request, socket, "the new one", "\"v2\"");
    SendText(socket, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 100\r\n\r\nthe old one, much longer");
  });
  ASSERT_TRUE(Get(server.url("/f")).ok());
  EXPECT_EQ(Content(), "the new one");
}

TEST_F(DownloadTest, AWeakOrMissingVersionIsNotRelied) {
  for (const char* tag : {"", "ETag: W/\"v1\"\r\n"}) {
    std::atomic<int> served{0};
    TestHttpServer server([&](const TestRequest& request, int socket) {
      EXPECT_FALSE(request.headers.contains("range"));
      if (++served > 1) return SendAnswer(socket, "200 OK", tag, "0123456789");
      SendText(socket, fmt::format("HTTP/1.1 200 OK\r\n{}Content-Length: 10\r\n\r\nabcde", tag));
    });
    ASSERT_TRUE(Get(server.url("/f")).ok());
    EXPECT_EQ(Content(), "0123456789");
  }
}

TEST_F(DownloadTest, APartOfAnotherPlaceIsNotTaken) {
  std::atomic<int> served{0};
  TestHttpServer server([&](const TestRequest& request, int socket) {
    int now = ++served;
    if (now == 1) return SendText(socket, "HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: 10\r\n\r\n01234");
    if (now == 2) return SendAnswer(socket, "206 Partial Content", "ETag: \"v\"\r\nContent-Range: bytes 3-9/10\r\n", "3456789");
    SendFileAnswer(request, socket, "0123456789", "\"v\"");
  });
  ASSERT_TRUE(Get(server.url("/f")).ok());
  EXPECT_EQ(Content(), "0123456789");
}

TEST_F(DownloadTest, APartThatEndsBeforeTheFileIsNotTheFile) {
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (!request.headers.contains("range")) return SendText(socket, "HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: 10\r\n\r\n01");
    size_t from = std::strtoul(request.headers.at("range").c_str() + 6, nullptr, 10);
    std::string range = fmt::format("Content-Range: bytes {}-{}/10\r\n", from, from + 3);
    SendAnswer(socket, "206 Partial Content", "ETag: \"v\"\r\n" + range, std::string("0123456789").substr(from, 4));
  });
  ASSERT_TRUE(Get(server.url("/f")).ok());
  EXPECT_EQ(Content(), "0123456789");
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(DownloadTest, APartThatWasNotAskedForIsNotTheFile) {
  TestHttpServer server([](const TestRequest&, int socket) {
    SendAnswer(socket, "206 Partial Content", "ETag: \"v\"\r\nContent-Range: bytes 0-3/4\r\n", "0123");
  });
  ASSERT_TRUE(WriteFileAtomic(folder_.path() / "file.part", "of something else").ok());
  EXPECT_EQ(Get(server.url("/f")).status().reason(), "FETCH_FAILED");
}

TEST_F(DownloadTest, NotModifiedIsNoAnswerToWhoKnowsNothing) {
  TestHttpServer server([](const TestRequest&, int socket) { SendText(socket, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"); });
  EXPECT_EQ(Get(server.url("/f")).status().reason(), "HTTP_304");
  EXPECT_EQ(DownloadCache({folder_.path() / "cache"}).Fetch(server.url("/f"), folder_.path() / "a", options_).status().reason(), "HTTP_304");
}

TEST_F(DownloadTest, AWaitThatIsNoNumberIsNotTaken) {
  for (const char* after : {"nan", "-inf", "-5", "1e-3000", "Wed, 21 Oct 2015 07:28:00 GMT", ""}) {
    std::atomic<int> served{0};
    TestHttpServer server([&](const TestRequest&, int socket) {
      if (++served > 1) return SendAnswer(socket, "200 OK", "", "now");
      SendAnswer(socket, "503 Service Unavailable", fmt::format("Retry-After: {}\r\n", after), "");
    });
    EXPECT_TRUE(Get(server.url("/f")).ok()) << after;
  }
  options_.total_seconds = 5;  // sooner than asked for: nothing more to do
  TestHttpServer server([](const TestRequest&, int socket) {
    SendAnswer(socket, "503 Service Unavailable", "Retry-After: 99999999999999999999999\r\n", "");
  });
  EXPECT_EQ(Get(server.url("/f")).status().reason(), "FETCH_FAILED");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(DownloadTest, TriesAgainAfterFaultsThatMayPass) {
  for (const char* fault : {"500 Internal Server Error", "503 Service Unavailable", "429 Too Many Requests", "408 Request Timeout"}) {
    std::atomic<int> served{0};
    TestHttpServer server([&](const TestRequest&, int socket) {
      if (++served > 2) return SendAnswer(socket, "200 OK", "", "now");
      SendAnswer(socket, fault, "Retry-After: 0\r\n", "later");
    });
    EXPECT_TRUE(Get(server.url("/f")).ok()) << fault;
    EXPECT_EQ(served, 3);
  }
}

TEST_F(DownloadTest, ARefusalIsFinal) {
  for (auto [answer, reason] : {std::pair("404 Not Found", "HTTP_404"), {"403 Forbidden", "HTTP_403"}, {"410 Gone", "HTTP_410"},
                                {"400 Bad Request", "HTTP_400"}, {"204 No Content", "HTTP_204"}}) {
    TestHttpServer server([&, text = answer](const TestRequest&, int socket) { SendAnswer(socket, text, "", std::string(text == std::string("204 No Content") ? 0 : 5000, 'x')); });
    Status status = Get(server.url("/f?token=secret")).status();
    EXPECT_EQ(status.reason(), reason);
    EXPECT_THAT(status.message(), testing::AllOf(HasSubstr("/f"), testing::Not(HasSubstr("secret"))));
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST_F(DownloadTest, TooLargeIsRefusedByItsLengthAndByItsBytes) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  TestHttpServer server([&](const TestRequest& request, int socket) {
    if (request.path == "/told") return SendText(socket, head + "Content-Length: 1000000000\r\n\r\nx");
    SendText(socket, head + "\r\n" + std::string(200'000, 'x'));  // to the end of the connection
  });
  options_.max_bytes = 100'000;
  EXPECT_EQ(Get(server.url("/told")).status().reason(), "FILE_TOO_LARGE");
  EXPECT_EQ(Get(server.url("/untold")).status().reason(), "FILE_TOO_LARGE");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(DownloadTest, ASlowDripIsGivenUp) {
  std::atomic<bool> stop{false};
  TestHttpServer server([&](const TestRequest&, int socket) {
    SendText(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 1000 && !stop; ++i) {
      SendText(socket, "x");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  options_.tries = 1;
  Status status = Get(server.url("/f")).status();
  stop = true;
  EXPECT_EQ(status.reason(), "FETCH_FAILED");
  EXPECT_THAT(status.message(), HasSubstr("stopped answering"));
}

TEST_F(DownloadTest, TheWholeTimeIsLimited) {
  std::atomic<bool> stop{false};
  TestHttpServer server([&](const TestRequest&, int) {
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  options_.total_seconds = 0.3;
  options_.tries = 100;
  EXPECT_EQ(Get(server.url("/f")).status().reason(), "FETCH_TIMEOUT");
  stop = true;
}

TEST_F(DownloadTest, CanBeStopped) {
  std::atomic<bool> stop{false};
  TestHttpServer server([&](const TestRequest&, int socket) {
    SendText(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  std::atomic<int> asked{0};
  options_.stopped = [&] { return ++asked > 3; };
  EXPECT_EQ(Get(server.url("/f")).status().code(), StatusCode::kCancelled);
  stop = true;
}

TEST_F(DownloadTest, PackedBodiesStayPacked) {
  std::string packed = "\x1f\x8b\x08 not unpacked";
  TestHttpServer server([&](const TestRequest& request, int socket) {
    EXPECT_EQ(request.headers.at("accept-encoding"), "identity");
    SendAnswer(socket, "200 OK", "Content-Encoding: gzip\r\n", packed);
  });
  ASSERT_TRUE(Get(server.url("/bomb")).ok());
  EXPECT_EQ(Content(), packed);
}

TEST_F(DownloadTest, NothingListening) {
  options_.tries = 1;
  int port = TestHttpServer([](const TestRequest&, int) {}).port();
  EXPECT_EQ(Get(fmt::format("http://127.0.0.1:{}/", port)).status().reason(), "FETCH_FAILED");
}

class DownloadCacheTest : public DownloadTest {
 protected:
  Result<DownloadCache::File> Fetch(const std::string& url, const std::string& into) {
    return DownloadCache({folder_.path() / "cache", max_bytes_}).Fetch(url, folder_.path() / into, options_);
  }
  size_t Entries() {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path() / "cache"), fs::directory_iterator()));
  }
  uint64_t max_bytes_ = 1 << 20;
};

TEST_F(DownloadCacheTest, AFileIsFetchedOnceWhileItsVersionStays) {
  std::string etag = "\"v1\"", content = "one";
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, content, etag); });
  auto first = Fetch(server.url("/m.onnx"), "a").value(), second = Fetch(server.url("/m.onnx"), "b").value();
  EXPECT_FALSE(first.was_cached);
  EXPECT_TRUE(second.was_cached);
  EXPECT_EQ(second.path, folder_.path() / "b" / "m.onnx");
  EXPECT_EQ(ReadFile(second.path).value(), "one");
  EXPECT_EQ(second.sha256, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");  // of "one"
  etag = "\"v2\"", content = "two";
  EXPECT_EQ(ReadFile(Fetch(server.url("/m.onnx"), "c")->path).value(), "two");
  EXPECT_EQ(ReadFile(first.path).value(), "one");
}

TEST_F(DownloadCacheTest, DamagedBytesAreFetchedAgain) {
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, "right", "\"v1\""); });
  auto first = Fetch(server.url("/f"), "a").value();
  ASSERT_TRUE(WriteAll(FileDescriptor(::open(first.path.c_str(), O_WRONLY)).get(), "wrong", "f").ok());
  EXPECT_EQ(ReadFile(Fetch(server.url("/f"), "b")->path).value(), "right");
}

TEST_F(DownloadCacheTest, TheLongestUnusedGoFirst) {
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, std::string(400'000, 'x'), "\"v\""); });
  ASSERT_TRUE(Fetch(server.url("/a"), "1").ok());
  ::usleep(20'000);
  ASSERT_TRUE(Fetch(server.url("/b"), "2").ok());
  ::usleep(20'000);
  EXPECT_TRUE(Fetch(server.url("/a"), "3")->was_cached);
  ::usleep(20'000);
  ASSERT_TRUE(Fetch(server.url("/c"), "4").ok());
  EXPECT_EQ(Entries(), 2u);
  EXPECT_FALSE(Fetch(server.url("/b"), "5")->was_cached);
  EXPECT_EQ(ReadFile(folder_.path() / "2" / "b")->size(), 400'000u);  // what was handed out stays
}

TEST_F(DownloadCacheTest, WhatSomebodyWorksOnStays) {
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, std::string(400'000, 'x'), "\"v\""); });
  ASSERT_TRUE(Fetch(server.url("/a"), "1").ok());
  fs::path entry = fs::directory_iterator(folder_.path() / "cache")->path();
  FileDescriptor lock(::open((entry / "lock").c_str(), O_RDWR));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  max_bytes_ = 0;
  ASSERT_TRUE(Fetch(server.url("/b"), "2").ok());
  EXPECT_TRUE(fs::exists(entry / "data"));
  lock.reset();
  ASSERT_TRUE(Fetch(server.url("/b"), "3").ok());
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(DownloadCacheTest, FetchesStandWhileOthersRemove) {
  max_bytes_ = 0;  // each removes all that nobody holds
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, std::string(10'000, 'x'), "\"v\""); });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        auto file = Fetch(server.url(round % 2 == 0 ? "/a" : "/b"), fmt::format("{}.{}", i, round));
        EXPECT_TRUE(file.ok()) << file.status().ToString();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(DownloadCacheTest, ManyAtOnceFetchOnce) {
  TestHttpServer server([&](const TestRequest& request, int socket) { SendFileAnswer(request, socket, std::string(100'000, 'x'), "\"v\""); });
  std::vector<std::thread> threads;
  std::atomic<int> fetched{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto file = Fetch(server.url("/a"), std::to_string(i));
      if (file.ok() && !file->was_cached) ++fetched;
      EXPECT_TRUE(file.ok()) << file.status().ToString();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(fetched, 1);
}

TEST(DispositionNameTest, TakesTheQuotedAndThePlainForm) {
  EXPECT_EQ(DispositionName("attachment; filename=\"a b.onnx\""), "a b.onnx");
  EXPECT_EQ(DispositionName("attachment;filename=a.onnx; x=y"), "a.onnx");
  EXPECT_EQ(DispositionName("attachment"), "");
  EXPECT_EQ(DispositionName("attachment; xfilename=a"), "");
}

}  // namespace
}  // namespace ns
