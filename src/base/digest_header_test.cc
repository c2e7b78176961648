#include "base/digest_header.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

// Of '{"hello": "world"}' and a line break: the example of RFC 9530, appendix D.
constexpr const char* kBase64 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
constexpr const char* kHex = "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";

TEST(DigestHeader, OfTheStandardsExample) {
  EXPECT_EQ(ParseDigestHeader(std::string("sha-256=:") + kBase64 + ":").value(), kHex);
  EXPECT_EQ(ParseDigestHeader(std::string("sha-512=:AAAA:,  sha-256=:") + kBase64 + ":").value(), kHex);
  EXPECT_EQ(DigestHeader(kHex), std::string("sha-256=:") + kBase64 + ":");
}

TEST(DigestHeader, OtherAlgorithmsAreLeftAlone) {
  EXPECT_EQ(ParseDigestHeader("").value(), "");
  EXPECT_EQ(ParseDigestHeader("sha-512=:AAAA:, md5=:x:").value(), "");
}

TEST(DigestHeader, RefusesWhatIsNone) {
  for (const char* bad : {"sha-256=", "sha-256=::", "sha-256=:AAAA:", "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
                          "sha-256=:!K/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"}) {
    EXPECT_EQ(ParseDigestHeader(bad).status().reason(), "BAD_DIGEST") << bad;
  }
  EXPECT_EQ(ParseHexDigest("44AFF4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38").value(), kHex);
  EXPECT_FALSE(ParseHexDigest("44aff4").ok());
  EXPECT_FALSE(ParseHexDigest(std::string(64, 'g')).ok());
}

}  // namespace
}  // namespace ns
