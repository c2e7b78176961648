#include "executors/node_probe.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ns
