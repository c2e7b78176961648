#include "fetch/address_rules.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace ns {
namespace {

TEST(AddressRules, RefusesWhatIsNotPublicByDefault) {
  const AddressRules rules;
  for (const char* refused :
       {"127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.127.255.255", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "[::1]", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "2001::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "2002:7f00:1::", "2002:c0a8:101::", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"}) {
    EXPECT_FALSE(IsAllowedLiteral(rules, refused)) << refused;
  }
}

TEST(AddressRules, AllowsPublicAddresses) {
  const AddressRules rules;
  for (const char* allowed : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "2606:4700::1111",
                              "::ffff:8.8.8.8", "2002:808:808::", "64:ff9b::8.8.8.8", "example.org", ""}) {
    EXPECT_TRUE(IsAllowedLiteral(rules, allowed)) << allowed;
  }
}

TEST(AddressRules, ConfiguredBlocksAreAllowedAndNothingElse) {
  AddressRules rules;
  rules.allowed = ParseCidrBlocks("10.1.0.0/16, fd00::/8,127.0.0.1").value();
  for (const char* allowed : {"10.1.0.1", "10.1.255.255", "fd00::5", "127.0.0.1", "::ffff:10.1.2.3", "2002:a01:203::", "64:ff9b::10.1.2.3"}) {
    EXPECT_TRUE(IsAllowedLiteral(rules, allowed)) << allowed;
  }
  rules.allowed = ParseCidrBlocks(CidrBlocksText(rules.allowed)).value();
  EXPECT_TRUE(IsAllowedLiteral(rules, "10.1.0.1"));
  for (const char* refused : {"10.2.0.0", "10.0.255.255", "fc00::1", "127.0.0.2", "64:ff9b::10.2.0.1"}) {
    EXPECT_FALSE(IsAllowedLiteral(rules, refused)) << refused;
  }
}

TEST(AddressRules, AllowPrivateAllowsEverything) {
  AddressRules rules;
  rules.allow_private = true;
  EXPECT_TRUE(IsAllowedLiteral(rules, "169.254.169.254"));
}

TEST(AddressRules, JudgesTheAddressOfASocket) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0x7f000001);
  EXPECT_FALSE(IsAllowed({}, reinterpret_cast<sockaddr*>(&four)));
  EXPECT_EQ(AddressText(reinterpret_cast<sockaddr*>(&four)), "127.0.0.1");
  four.sin_addr.s_addr = htonl(0x08080808);
  EXPECT_TRUE(IsAllowed({}, reinterpret_cast<sockaddr*>(&four)));
  four.sin_family = AF_UNIX;
  EXPECT_FALSE(IsAllowed({}, reinterpret_cast<sockaddr*>(&four)));
}

TEST(AddressRules, RefusesWhatIsNoBlock) {
  for (const char* bad : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0", "fd00::/129", "host", "10.0.0.0/8/8"}) {
    EXPECT_EQ(ParseCidrBlock(bad).status().reason(), "BAD_ADDRESS_BLOCK") << bad;
  }
  EXPECT_FALSE(ParseCidrBlocks("10.0.0.0/8,,127.0.0.1").ok());
  EXPECT_TRUE(ParseCidrBlocks("").value().empty());
}

}  // namespace
}  // namespace ns
