#include "fetch/address.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

std::string Reason(std::string_view text) { return ParseAddress(text, {}).status().reason(); }

TEST(Address, TakesHttpAndHttps) {
  Address address = ParseAddress("https://user:pw@Example.org:8443/a%20b/model.onnx?x=1#part", {}).value();
  EXPECT_EQ(address.url, "https://user:pw@Example.org:8443/a%20b/model.onnx?x=1");
  EXPECT_EQ(address.host, "Example.org");
  EXPECT_EQ(address.path, "/a b/model.onnx");
  EXPECT_EQ(ParseAddress("http://example.org", {})->path, "/");
}

TEST(Address, RefusesOtherSchemes) {
  for (const char* bad : {"file:///etc/passwd", "ftp://example.org/x", "gopher://example.org/x", "s3://bucket/x", "dict://example.org:1/"}) {
    EXPECT_EQ(Reason(bad), "BAD_SCHEME") << bad;
  }
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* bad : {"", "http://", "http://a b/", "http://example.org/a\nHost: evil", "http://[::1/", "http://example.org:99999/", "://x"}) {
    EXPECT_EQ(Reason(bad), "BAD_ADDRESS") << bad;
  }
  EXPECT_EQ(Reason("http://example.org/" + std::string(9000, 'a')), "BAD_ADDRESS");
}

TEST(Address, RefusesPrivateAddressesInEverySpelling) {
  for (const char* bad : {"http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://[::1]:80/",
                          "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data", "http://user@10.0.0.1:8080/x",
                          "http://%32130706433/", "http://%31%32%37.0.0.1/"}) {
    EXPECT_EQ(Reason(bad), "PRIVATE_ADDRESS") << bad;
  }
  AddressRules rules;
  rules.allowed = ParseCidrBlocks("127.0.0.0/8").value();
  EXPECT_TRUE(ParseAddress("http://127.0.0.1:9/", rules).ok());
}

TEST(Address, AGitHubPageMeansItsRawFile) {
  EXPECT_EQ(ParseAddress("https://github.com/owner/repo/blob/v1.0/dir/run.py?plain=1#L3", {})->url,
            "https://raw.githubusercontent.com/owner/repo/v1.0/dir/run.py");
  EXPECT_EQ(ParseAddress("https://github.com/owner/repo/raw/v1.0/run.py", {})->url, "https://github.com/owner/repo/raw/v1.0/run.py");
  EXPECT_EQ(ParseAddress("https://example.org/owner/repo/blob/v1.0/run.py", {})->url, "https://example.org/owner/repo/blob/v1.0/run.py");
}

TEST(Address, SecretsAreNotShown) {
  EXPECT_EQ(ShownAddress("https://user:secret@host/path?token=secret#secret"), "https://host/path");
  EXPECT_EQ(ShownAddress("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(ShownAddress("https://u:p@host"), "https://host");
  EXPECT_EQ(ParseAddress("ftp://user:secret@host/", {}).status().message(), "\"ftp://host/\" is not served by http or https");
}

TEST(Address, FileNamesAreSafe) {
  EXPECT_EQ(SafeFileName("/a/b/model.onnx"), "model.onnx");
  EXPECT_EQ(SafeFileName("/a/b/"), "b");
  EXPECT_EQ(SafeFileName("/"), "file");
  EXPECT_EQ(SafeFileName("/.."), "file");
  EXPECT_EQ(SafeFileName(".htaccess"), "htaccess");
  EXPECT_EQ(SafeFileName("/a b;$(x)\xC3\xA9.csv"), "a_b___x___.csv");
  EXPECT_EQ(SafeFileName(std::string(300, 'x') + ".npz"), std::string(116, 'x') + ".npz");
}

}  // namespace
}  // namespace ns
