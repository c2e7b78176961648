#include "fetch/pack.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "fetch/archive.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class PackTest : public testing::Test {
 protected:
  PackTest() {
    fs::create_directories(in_ / "sub");
    EXPECT_TRUE(WriteFileAtomic(in_ / "a.txt", "a").ok());
    EXPECT_TRUE(WriteFileAtomic(in_ / "sub/b.txt", "b").ok());
    fs::create_symlink("a.txt", in_ / "link.txt");
    fs::create_symlink("nowhere", in_ / "broken.txt");
  }
  std::string Unpacked(const fs::path& archive, const fs::path& name) {
    fs::path out = folder_.path() / "out";
    fs::remove_all(out);
    Status status = UnpackArchive(archive, out, {});
    EXPECT_TRUE(status.ok()) << status.message();
    return ReadFile(out / name).value_or("missing");
  }

  TempDir folder_ = TempDir::Create("ns_pack_").value();
  fs::path in_ = folder_.path() / "in", archive_ = folder_.path() / "archive.tar";
};

TEST_F(PackTest, ATarHasWhatLinksLeadToBelowItsTop) {
  ASSERT_TRUE(PackFolder(in_, archive_, {.follow_links = true, .top = "top"}).ok());
  EXPECT_EQ(Unpacked(archive_, "top/sub/b.txt"), "b");
  EXPECT_EQ(Unpacked(archive_, "top/link.txt"), "a");
  EXPECT_EQ(Unpacked(archive_, "top/broken.txt"), "missing");
}

TEST_F(PackTest, AZipLeavesLinksOut) {
  archive_.replace_extension(".zip");
  ASSERT_TRUE(PackFolder(in_, archive_, {.zip = true}).ok());
  EXPECT_EQ(Unpacked(archive_, "a.txt"), "a");
  EXPECT_EQ(Unpacked(archive_, "link.txt"), "missing");
}

TEST_F(PackTest, TheSameFilesGiveTheSameBytes) {
  fs::path again = folder_.path() / "again.tar";
  ASSERT_TRUE(PackFolder(in_, archive_, {}).ok());
  fs::last_write_time(in_ / "a.txt", fs::file_time_type::clock::now() - std::chrono::hours(48));
  ASSERT_TRUE(PackFolder(in_, again, {}).ok());
  EXPECT_EQ(ReadFile(archive_).value(), ReadFile(again).value());
}

TEST_F(PackTest, AFolderWithoutFilesIsRefused) {
  EXPECT_EQ(PackFolder(folder_.path() / "none", archive_, {}).reason(), "NO_FILES");
}

}  // namespace
}  // namespace ns
