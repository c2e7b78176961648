#include "executors/node_probe.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/replace_file.h"

namespace ns {
namespace {

class NodeProbeTest : public testing::Test {
 protected:
  NodeProbeTest() {
    EXPECT_TRUE(ReplaceFile(probe_.shared_file, "number 7").ok());
  }
  TempDir workspace_ = TempDir::Create("ns_probe_").value();
  NodeProbe probe_{workspace_.path() / "node_check", "number 7", "/bin/true", 1, false};
};

TEST_F(NodeProbeTest, AMachineThatHasAllIsGood) { EXPECT_EQ(Probe(probe_), ""); }

TEST_F(NodeProbeTest, AnotherMachinesFolderOfTheSameNameIsNotTheWorkspace) {
  probe_.content = "number 8";
  EXPECT_NE(Probe(probe_).find("does not see the service's workspace"), std::string::npos);
}

TEST_F(NodeProbeTest, SaysWhichProgramIsMissingAndHowManyCoresThereAre) {
  probe_.cores = 100'000;
  EXPECT_NE(Probe(probe_).find("usable cores, and 100000 are told of it"), std::string::npos);
  probe_.worker = "/nowhere/worker";
  EXPECT_NE(Probe(probe_).find("'/nowhere/worker' is not there"), std::string::npos);
}

TEST_F(NodeProbeTest, ItsWordsLeadToTheSameProbe) {
  EXPECT_EQ(ProbeMain(ProbeWords(probe_)), 0);
  probe_.content = "another";
  EXPECT_EQ(ProbeMain(ProbeWords(probe_)), 1);
  EXPECT_EQ(ProbeMain({"x"}), 64);
}

TEST_F(NodeProbeTest, WithoutTheWorkspaceAMachineNeedsAFolderOfItsOwnAndTheWayToTheService) {
  FileDescriptor service(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(service.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(service.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  probe_.shared_file = workspace_.path() / "own" / "folder";
  probe_.services = {"127.0.0.1:" + std::to_string(ntohs(address.sin_port))};
  EXPECT_NE(Probe(probe_).find("does not reach the service at " + probe_.services[0]), std::string::npos) << Probe(probe_);
  ASSERT_EQ(::listen(service.get(), 1), 0);
  EXPECT_EQ(Probe(probe_), "");
  EXPECT_EQ(ProbeMain(ProbeWords(probe_)), 0);
  std::filesystem::permissions(probe_.shared_file, std::filesystem::perms::all);
  EXPECT_NE(Probe(probe_).find("can be written to by others"), std::string::npos);
}

}  // namespace
}  // namespace ns
