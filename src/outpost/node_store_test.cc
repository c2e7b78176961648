#include "outpost/node_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/hash.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class NodeStoreTest : public testing::Test {
 protected:
  static OutpostFile File(const std::string& content) { return {"given/x", Sha256Hex(content), content.size(), true}; }
  NodeStore::Bring Brings(const std::string& content) {
    return [this, content](const fs::path& to) {
      ++brought_;
      return WriteFileAtomic(to, content);
    };
  }
  fs::path Target(const std::string& name) const { return folder_.path() / "task" / "given" / name; }
  NodeStore Store(uint64_t max_bytes = 1 << 20) const { return NodeStore({folder_.path() / "files", max_bytes, 0, [] { return false; }}); }

  TempDir folder_ = TempDir::Create("ns_node_store_").value();
  int brought_ = 0;
};

TEST_F(NodeStoreTest, WhatIsThereIsNotBroughtAgain) {
  ASSERT_TRUE(Store().Place(File("model"), Target("a"), Brings("model")).ok());
  ASSERT_TRUE(Store().Place(File("model"), Target("b"), Brings("model")).ok());
  ASSERT_TRUE(Store().Place(File("model"), Target("b"), Brings("model")).ok());  // over itself
  EXPECT_EQ(brought_, 1);
  EXPECT_EQ(ReadFile(Target("b")).value(), "model");
  EXPECT_EQ(fs::hard_link_count(Target("a")), 3u);
  EXPECT_EQ(std::distance(fs::directory_iterator(Target("b").parent_path()), {}), 2);
}

TEST_F(NodeStoreTest, OtherBytesThanTheDigestSaysAreNotTaken) {
  EXPECT_EQ(Store().Place(File("model"), Target("a"), Brings("MODEL")).reason(), "DIGEST_MISMATCH");
  EXPECT_FALSE(fs::exists(Target("a")));
  EXPECT_TRUE(Store().Place(File("model"), Target("a"), Brings("model")).ok());
}

TEST_F(NodeStoreTest, WhatWasChangedOnTheNodeIsBroughtAgain) {
  ASSERT_TRUE(Store().Place(File("model"), Target("a"), Brings("model")).ok());
  fs::path kept = folder_.path() / "files" / Sha256Hex("model");
  fs::remove(kept);
  ASSERT_TRUE(WriteFileAtomic(kept, "mOdel").ok());
  ASSERT_TRUE(Store().Place(File("model"), Target("b"), Brings("model")).ok());
  EXPECT_EQ(brought_, 2);
  EXPECT_EQ(ReadFile(Target("b")).value(), "model");
}

TEST_F(NodeStoreTest, TheFilesUnusedForLongestGo) {
  auto place = [&](const std::string& content, int64_t used) {
    ASSERT_TRUE(Store(8).Place(File(content), Target(content), Brings(content)).ok());
    timespec times[2] = {{used, 0}, {used, 0}};
    ::utimensat(AT_FDCWD, (folder_.path() / "files" / Sha256Hex(content)).c_str(), times, 0);
  };
  place("aaaa", 20);
  place("bbbb", 10);
  ASSERT_TRUE(Store(8).Place(File("cccc"), Target("cccc"), Brings("cccc")).ok());
  auto there = [&](const std::string& content) { return fs::exists(folder_.path() / "files" / Sha256Hex(content)); };
  EXPECT_TRUE(there("aaaa") && there("cccc"));
  EXPECT_FALSE(there("bbbb"));
  EXPECT_EQ(ReadFile(Target("bbbb")).value(), "bbbb") << "a task that has it keeps it";
}

}  // namespace
}  // namespace ns
