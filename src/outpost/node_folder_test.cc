#include "outpost/node_folder.h"

#include <gtest/gtest.h>

#include <optional>

namespace ns {
namespace {

namespace fs = std::filesystem;

class NodeFolderTest : public testing::Test {
 protected:
  TempDir folder_ = TempDir::Create("ns_node_folder_").value();
  fs::path root_ = folder_.path() / "node";
};

TEST_F(NodeFolderTest, TheLastOneToLeaveRemovesTheTask) {
  std::optional<NodeFolder> lead(NodeFolder::Enter(root_, "t").value()), assistant(NodeFolder::Enter(root_, "t").value());
  ASSERT_TRUE(WriteFileAtomic(lead->task() / "x", "").ok());
  lead.reset();
  EXPECT_TRUE(fs::exists(root_ / "tasks/t/x"));
  assistant.reset();
  EXPECT_FALSE(fs::exists(root_ / "tasks/t"));
}

TEST_F(NodeFolderTest, WhatAKilledOneLeftTheNextOneRemoves) {
  auto running = NodeFolder::Enter(root_, "running").value();
  fs::create_directories(root_ / "tasks/left/work");
  fs::create_directories(root_ / "tasks/t/work");
  auto node = NodeFolder::Enter(root_, "t").value();
  EXPECT_FALSE(fs::exists(root_ / "tasks/left"));
  EXPECT_FALSE(fs::exists(root_ / "tasks/t/work"));
  EXPECT_TRUE(fs::exists(root_ / "tasks/running"));
}

TEST_F(NodeFolderTest, AFolderThatOthersMayWriteToIsNotUsed) {
  fs::create_directories(root_);
  fs::permissions(root_, fs::perms::all);
  EXPECT_EQ(NodeFolder::Enter(root_, "t").status().reason(), "NOT_OURS");
  fs::remove(root_);
  fs::create_directory_symlink(folder_.path(), root_);
  EXPECT_EQ(NodeFolder::Enter(root_, "t").status().reason(), "NOT_OURS");
}

}  // namespace
}  // namespace ns
