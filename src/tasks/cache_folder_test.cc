#include "tasks/cache_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"

namespace ns {
namespace {
namespace fs = std::filesystem;

std::string Name(char digit) { return std::string(64, digit) + ".json"; }

class CacheFolderTest : public ::testing::Test {
 protected:
  void Write(const fs::path& path, const std::string& text, int64_t modified = 0) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(WriteFileAtomic(path, text).ok());
    if (modified == 0) return;
    const timespec times[2] = {{modified, 0}, {modified, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  TempDir folder_ = TempDir::Create("ns-cache-").value();
  fs::path from_ = folder_.path() / "work", to_ = folder_.path() / "kept" / "owner";
};

TEST_F(CacheFolderTest, AnEntryIsNamedByADigest) {
  EXPECT_TRUE(IsCacheEntryName(Name('a')));
  EXPECT_FALSE(IsCacheEntryName(std::string(64, 'A') + ".json"));
  EXPECT_FALSE(IsCacheEntryName(std::string(63, 'a') + ".json"));
  EXPECT_FALSE(IsCacheEntryName(std::string(64, 'a') + ".jso"));
}

TEST_F(CacheFolderTest, MovesEntriesAndNothingElse) {
  Write(from_ / Name('a'), "one");
  Write(from_ / "other.json", "not ours");
  fs::create_symlink("/etc/passwd", from_ / Name('b'));
  Write(folder_.path() / "secret", "x");
  fs::create_hard_link(folder_.path() / "secret", from_ / Name('c'));
  ASSERT_TRUE(MoveCacheEntries(from_, to_).ok());
  EXPECT_EQ(ReadFile(to_ / Name('a')).value(), "one");
  EXPECT_EQ(std::distance(fs::directory_iterator(to_), fs::directory_iterator()), 1);
}

TEST_F(CacheFolderTest, NothingToMoveIsFine) {
  EXPECT_TRUE(MoveCacheEntries(from_, to_).ok());
  EXPECT_FALSE(fs::exists(to_));
}

TEST_F(CacheFolderTest, TheOldestGoFirst) {
  Write(to_ / Name('1'), std::string(100, 'x'), 1000);
  Write(to_ / Name('2'), std::string(100, 'x'), 3000);
  Write(to_ / Name('3'), std::string(100, 'x'), 2000);
  ASSERT_TRUE(TrimCacheFolder(to_, 200).ok());
  EXPECT_FALSE(fs::exists(to_ / Name('1')));
  EXPECT_TRUE(fs::exists(to_ / Name('2')));
  ASSERT_TRUE(TrimCacheFolder(to_, 199).ok());
  EXPECT_FALSE(fs::exists(to_ / Name('3')));
  EXPECT_TRUE(fs::exists(to_ / Name('2')));
}

}  // namespace
}  // namespace ns
