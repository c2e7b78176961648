#include "schedule/hostfile.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

std::string Error(std::string_view text) { return ParseHostfile(text, "hosts").status().message(); }

TEST(HostfileTest, ReadsLinesAndCommentsAndSemicolons) {
  EXPECT_EQ(ParseHostfile("# all nodes; of us\nhost1 2 20  # big; old\r\n\n\thost2\t4 10\n", "hosts").value(),
            (std::vector<NodeSpec>{{"host1", 2, 20}, {"host2", 4, 10}}));
  EXPECT_EQ(ParseHostfile("host1 2 20; 10.0.0.7 4 20;", "--join").value(), (std::vector<NodeSpec>{{"host1", 2, 20}, {"10.0.0.7", 4, 20}}));
}

TEST(HostfileTest, SaysWhichLineIsWrong) {
  EXPECT_EQ(Error("host1 2 20\nhost2 4\n"), "hosts, line 2: must be 'name sockets cores_per_socket', has 2 words");
  EXPECT_EQ(Error("\n\nhost1 0 20"), "hosts, line 3: sockets must be a number from 1 to 4096, is '0'");
  EXPECT_EQ(Error("host1 2 many"), "hosts, line 1: cores_per_socket must be a number from 1 to 4096, is 'many'");
  EXPECT_EQ(Error("host1 2 20; host1 2 20"), "hosts, line 2: 'host1' is there twice");
  EXPECT_EQ(Error("-x 2 20"), "hosts, line 1: '-x' is no host name");
  EXPECT_EQ(Error("a$(reboot) 2 20"), "hosts, line 1: 'a$(reboot)' is no host name");
  EXPECT_EQ(Error("# nobody\n"), "hosts names no node; a line is 'name sockets cores_per_socket'");
}

}  // namespace
}  // namespace ns
