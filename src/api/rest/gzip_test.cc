#include "api/rest/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace ns {
namespace {

std::string Unzip(const std::string& data) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out(1 << 22, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

TEST(GzipTest, UnpacksToWhatWasPacked) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  EXPECT_EQ(Unzip(Gzip(text)), text);
  EXPECT_LT(Gzip(text).size(), text.size() / 2);
  EXPECT_EQ(Unzip(Gzip("")), "");
}

TEST(GzipTest, APieceCanBeReadBeforeTheNextOneIsThere) {
  GzipStream stream;
  std::string first = stream.Add("first line\n", false);
  EXPECT_NE(first, "");
  std::string second = stream.Add("second\n", false);
  EXPECT_EQ(Unzip(first + second + stream.Add("", true)), "first line\nsecond\n");
}

TEST(AcceptsGzipTest, ReadsNamesAndWeights) {
  for (const char* yes : {"gzip", "deflate, gzip", "gzip;q=0.5", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "deflate,x-gzip"}) {
    EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzipped", "deflate", "gzip;q=0, *"}) {
    EXPECT_FALSE(AcceptsGzip(no)) << no;
  }
}

TEST(WorthCompressingTest, TextIsAndArchivesAndEventStreamsAreNot) {
  EXPECT_TRUE(WorthCompressing("application/json"));
  EXPECT_TRUE(WorthCompressing("text/plain; charset=utf-8"));
  EXPECT_FALSE(WorthCompressing("application/octet-stream"));
  EXPECT_FALSE(WorthCompressing("text/event-stream"));
}

}  // namespace
}  // namespace ns
