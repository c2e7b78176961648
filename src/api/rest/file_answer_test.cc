#include "api/rest/file_answer.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

const FileFacts kFile{1000, 784111777'000'000'000};  // Sun, 06 Nov 1994 08:49:37 GMT (the example of RFC 9110)

FileAnswer Ask(std::vector<std::pair<std::string, std::string>> headers, const FileFacts& facts = kFile) {
  Request request;
  request.headers = std::move(headers);
  return AnswerForFile(request, facts);
}

std::string Of(const FileAnswer& answer, const std::string& name) {
  for (const auto& [have, value] : answer.headers) {
    if (have == name) return value;
  }
  return "";
}

TEST(FileAnswerTest, WithoutConditionsAllOfIt) {
  FileAnswer answer = Ask({});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.from, 0u);
  EXPECT_EQ(answer.length, 1000u);
  EXPECT_EQ(Of(answer, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(Of(answer, "Accept-Ranges"), "bytes");
}

TEST(FileAnswerTest, Ranges) {
  struct Case { const char* range; int status; uint64_t from, length; const char* said; };
  for (const Case& c : std::vector<Case>{{"bytes=0-99", 206, 0, 100, "bytes 0-99/1000"},
                                         {"bytes=900-", 206, 900, 100, "bytes 900-999/1000"},
                                         {"bytes=990-5000", 206, 990, 10, "bytes 990-999/1000"},
                                         {"bytes=-10", 206, 990, 10, "bytes 990-999/1000"},
                                         {"bytes=-5000", 206, 0, 1000, "bytes 0-999/1000"},
                                         {"bytes=999-999", 206, 999, 1, "bytes 999-999/1000"},
                                         {"bytes=1000-", 416, 0, 0, "bytes */1000"},
                                         {"bytes=-0", 416, 0, 0, "bytes */1000"},
                                         {"bytes=5-4", 200, 0, 1000, ""},
                                         {"bytes=0-1,5-6", 200, 0, 1000, ""},
                                         {"bytes=x-", 200, 0, 1000, ""},
                                         {"bytes=1-x", 200, 0, 1000, ""},
                                         {"bytes=-", 200, 0, 1000, ""},
                                         {"lines=0-1", 200, 0, 1000, ""},
                                         {"bytes=99999999999999999999-", 200, 0, 1000, ""}}) {
    FileAnswer answer = Ask({{"Range", c.range}});
    EXPECT_EQ(answer.status, c.status) << c.range;
    EXPECT_EQ(answer.from, c.from) << c.range;
    EXPECT_EQ(answer.length, c.length) << c.range;
    EXPECT_EQ(Of(answer, "Content-Range"), c.said) << c.range;
  }
  EXPECT_EQ(Ask({{"Range", "bytes=0-"}}, {0, 1}).status, 416);
}

TEST(FileAnswerTest, AClientThatHasItGets304) {
  std::string tag = Of(Ask({}), "ETag");
  EXPECT_EQ(Ask({{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(Ask({{"If-None-Match", "\"other\", W/" + tag}}).status, 304);
  EXPECT_EQ(Ask({{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_EQ(Ask({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 304);
  EXPECT_EQ(Ask({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"}}).status, 200);
  EXPECT_EQ(Ask({{"If-Modified-Since", "yesterday"}}).status, 200);
  // The tag decides where both are given.
  EXPECT_EQ(Ask({{"If-None-Match", "\"other\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200);
}

TEST(FileAnswerTest, ARangeOfAnotherVersionIsNotMixedIn) {
  std::string tag = Of(Ask({}), "ETag");
  EXPECT_EQ(Ask({{"Range", "bytes=5-"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(Ask({{"Range", "bytes=5-"}, {"If-Range", "\"other\""}}).status, 200);
}

TEST(FileSourceTest, GivesTheBytesAskedForInPieces) {
  auto folder = TempDir::Create("file_answer_test_").value();
  std::string content;
  for (int i = 0; content.size() < 700'000; ++i) content += std::to_string(i);
  auto path = folder.path() / "file";
  ASSERT_TRUE(WriteFileAtomic(path, content).ok());
  auto source = FileSource(FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 10, content.size() - 20, false);
  std::string got;
  int pieces = 0;
  for (bool last = false; !last; ++pieces) {
    auto piece = source->Read();
    ASSERT_TRUE(piece && !piece->broken);
    got += piece->data;
    last = piece->last;
  }
  EXPECT_EQ(got, content.substr(10, content.size() - 20));
  EXPECT_EQ(pieces, 3);  // of 256 KiB
}

TEST(FileSourceTest, AFileThatBecameShorterIsBroken) {
  auto folder = TempDir::Create("file_answer_test_").value();
  auto path = folder.path() / "file";
  ASSERT_TRUE(WriteFileAtomic(path, "short").ok());
  auto source = FileSource(FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0, 10, false);
  EXPECT_FALSE(source->Read()->last);
  EXPECT_TRUE(source->Read()->broken);
}

}  // namespace
}  // namespace ns
