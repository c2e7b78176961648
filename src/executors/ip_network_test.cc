#include "executors/ip_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(IpNetworkTest, HoldsTheAddressesThatBeginWithItsBits) {
  IpNetwork network = IpNetwork::Parse("10.1.16.0/20").value();
  for (const char* inside : {"10.1.16.0", "10.1.31.255"}) EXPECT_TRUE(network.Contains(inside)) << inside;
  for (const char* outside : {"10.1.15.255", "10.1.32.0", "::1", "", "node1"}) EXPECT_FALSE(network.Contains(outside)) << outside;
  EXPECT_TRUE(IpNetwork::Parse("fd00::/8").value().Contains("fdff::1"));
  EXPECT_FALSE(IpNetwork::Parse("fd00::/8").value().Contains("fe00::1"));
  EXPECT_TRUE(IpNetwork::Parse("0.0.0.0/0").value().Contains("255.0.0.1"));
}

TEST(IpNetworkTest, AnAddressAloneIsANetworkOfOne) {
  IpNetwork network = IpNetwork::Parse("192.168.0.1").value();
  EXPECT_TRUE(network.Contains("192.168.0.1"));
  EXPECT_FALSE(network.Contains("192.168.0.2"));
}

TEST(IpNetworkTest, WhatIsNoNetworkIsRefused) {
  for (const char* text : {"", "10.1", "10.1.0.0/33", "10.1.0.0/", "10.1.0.0/-1", "10.1.0.0/8x", "fd00::/129", "eth0"}) {
    EXPECT_EQ(IpNetwork::Parse(text).status().reason(), "BAD_NETWORK") << text;
  }
}

TEST(IpNetworkTest, TheLoopbackDeviceIsNamedOnlyWhenItsNetworkIs) {
  IpNetwork loopback = IpNetwork::Parse("127.0.0.0/8").value();
  EXPECT_THAT(MachineAddresses(&loopback), testing::Contains("127.0.0.1"));
  EXPECT_THAT(MachineAddresses(nullptr), testing::Not(testing::Contains("127.0.0.1")));
}

}  // namespace
}  // namespace ns
