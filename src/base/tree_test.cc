#include "base/tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/file.h"
#include "base/testing/plain_user.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

// `levels` folders "d" in each other, deeper than a path can be.
void MakeDeep(const fs::path& top, int levels) {
  fs::create_directory(top);
  FileDescriptor at(::open(top.c_str(), O_RDONLY | O_DIRECTORY));
  for (int level = 0; level < levels; ++level) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY));
  }
  FileDescriptor file(::openat(at.get(), "file", O_WRONLY | O_CREAT, 0644));
  ASSERT_TRUE(file.valid());
}

std::set<std::string> NamesBelow(const fs::path& folder) {
  std::set<std::string> names;
  EXPECT_TRUE(WalkTree(folder, S_IRUSR | S_IXUSR, [&](const TreeEntry& entry) { return names.insert(entry.name), true; }).ok());
  return names;
}

class TreeTest : public testing::Test {
 protected:
  TempDir dir_ = TempDir::Create("ns_tree_test_").value();
  fs::path top_ = dir_.path() / "top";
};

TEST_F(TreeTest, AWalkSeesEverythingAndFollowsNoLink) {
  fs::create_directories(top_ / "a" / "b");
  std::ofstream(top_ / "a" / "b" / "file") << "x";
  std::ofstream(dir_.path() / "outside") << "x";
  fs::create_symlink(dir_.path(), top_ / "link");
  EXPECT_EQ(NamesBelow(top_), (std::set<std::string>{"a", "b", "file", "link"}));
  EXPECT_TRUE(NamesBelow(dir_.path() / "missing").empty());
  EXPECT_TRUE(NamesBelow(top_ / "link").empty());
}

TEST_F(TreeTest, AWalkEndsWhereItIsToldTo) {
  for (const char* name : {"a", "b", "c"}) std::ofstream(dir_.path() / name) << "x";
  int seen = 0;
  EXPECT_TRUE(WalkTree(dir_.path(), 0, [&](const TreeEntry&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_F(TreeTest, BytesAreThoseOnTheDisk) {
  fs::create_directories(top_ / "a");
  uint64_t folders = TreeBytes(top_);
  std::ofstream(top_ / "a" / "file") << std::string(100'000, 'x');
  fs::resize_file(top_ / "a" / "file", 1 << 30);  // the rest is a hole
  EXPECT_GE(TreeBytes(top_), folders + 100'000);
  EXPECT_LT(TreeBytes(top_), folders + 200'000);
}

TEST_F(TreeTest, LockedFoldersAreLookedIntoAndRemoved) {
  EXPECT_TRUE(AsPlainUser([] {
    TempDir dir = TempDir::Create("ns_tree_test_").value();
    fs::path top = dir.path() / "top";
    fs::create_directories(top / "locked" / "inner");
    std::ofstream(top / "locked" / "inner" / "file") << "x";
    fs::permissions(top / "locked" / "inner", fs::perms::none);
    fs::permissions(top / "locked", fs::perms::none);
    if (NamesBelow(top) != std::set<std::string>{"locked", "inner", "file"}) return false;
    fs::permissions(top / "locked" / "inner", fs::perms::none);
    fs::permissions(top / "locked", fs::perms::owner_read);
    return RemoveTree(top).ok() && !fs::exists(top);
  }));
}

TEST_F(TreeTest, AFolderOfSomebodyElseStaysLockedAndIsSaid) {
  EXPECT_TRUE(AsPlainUser([] {
    return WalkTree("/root", S_IRUSR | S_IXUSR, [](const TreeEntry&) { return true; }).code() == StatusCode::kPermissionDenied;
  }));
}

TEST_F(TreeTest, RemovesWhatItIsGivenAndNothingElse) {
  fs::create_directories(top_ / "a");
  fs::create_directory(dir_.path() / "other");
  std::ofstream(dir_.path() / "other" / "file") << "x";
  fs::create_symlink(dir_.path() / "other", top_ / "a" / "link");
  fs::create_symlink(dir_.path() / "other", dir_.path() / "link");
  EXPECT_TRUE(RemoveTree(top_).ok());
  EXPECT_TRUE(RemoveTree(dir_.path() / "link").ok());
  EXPECT_TRUE(RemoveTree(dir_.path() / "missing").ok());
  EXPECT_EQ(NamesBelow(dir_.path()), (std::set<std::string>{"other", "file"}));
}

TEST_F(TreeTest, FoldersTooDeepForAPathAreToldAndRemoved) {
  MakeDeep(top_, 3000);
  EXPECT_EQ(WalkTree(top_, 0, [](const TreeEntry&) { return true; }).reason(), "FOLDERS_TOO_DEEP");
  EXPECT_TRUE(RemoveTree(top_).ok());
  EXPECT_FALSE(fs::exists(top_));
}

}  // namespace
}  // namespace ns
