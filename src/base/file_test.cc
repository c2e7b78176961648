#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/hash.h"

namespace ns {
namespace {
namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  TempDir dir_ = TempDir::Create("ns_file_test_").value();
  fs::path path(const std::string& name) { return dir_.path() / name; }
};

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNoNeighbour) {
  ASSERT_TRUE(WriteFileAtomic(path("a"), "old").ok());
  ASSERT_TRUE(WriteFileAtomic(path("a"), "new").ok());
  EXPECT_EQ(*ReadFile(path("a")), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator()), 1);
}

TEST_F(FileTest, AtomicWriteIntoAMissingFolderNamesTheFile) {
  Status status = WriteFileAtomic(path("no/a"), "x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("no/a"), std::string::npos);
}

TEST_F(FileTest, ReadTakesNoMemoryForAHole) {
  ASSERT_TRUE(WriteFileAtomic(path("a"), "").ok());
  fs::resize_file(path("a"), uint64_t{8} << 40);
  EXPECT_EQ(ReadFile(path("a"), 100).status().reason(), "FILE_TOO_LARGE");
  EXPECT_EQ(ReadFile(path("a")).status().reason(), "FILE_TOO_LARGE");
}

TEST_F(FileTest, ReadRefusesMoreThanAllowedAndFolders) {
  ASSERT_TRUE(WriteFileAtomic(path("a"), "12345").ok());
  EXPECT_EQ(*ReadFile(path("a"), 5), "12345");
  EXPECT_EQ(ReadFile(path("a"), 4).status().reason(), "FILE_TOO_LARGE");
  EXPECT_EQ(ReadFile(dir_.path()).status().reason(), "BAD_PATH");
  EXPECT_EQ(ReadFile(path("missing")).status().reason(), "FILE_NOT_FOUND");
}

TEST_F(FileTest, ResolveBelowRefusesEveryWayOut) {
  fs::create_directories(path("root/in"));
  fs::create_directory_symlink(path("root/in"), path("root/good"));
  fs::create_directory_symlink("/etc", path("root/bad"));
  EXPECT_EQ(ResolveBelow(path("root"), "good").value(), fs::canonical(path("root/in")));
  EXPECT_EQ(ResolveBelow(path("root"), "in/../in").value(), fs::canonical(path("root/in")));
  for (const char* out : {"..", "in/../../x", "/etc/passwd", "bad/passwd", ""}) {
    EXPECT_EQ(ResolveBelow(path("root"), out).status().reason(), "PATH_OUTSIDE_ROOT") << out;
  }
  EXPECT_EQ(ResolveBelow(path("root"), "missing").status().code(), StatusCode::kNotFound);
}

TEST_F(FileTest, MappedFileShowsTheBytesAndAllowsAnEmptyFile) {
  ASSERT_TRUE(WriteFileAtomic(path("a"), "abc").ok());
  auto mapped = MappedFile::Open(path("a")).value();
  mapped->DropPages();
  EXPECT_EQ(mapped->bytes().size(), 3u);
  EXPECT_EQ(static_cast<char>(mapped->bytes()[2]), 'c');
  ASSERT_TRUE(WriteFileAtomic(path("empty"), "").ok());
  EXPECT_TRUE(MappedFile::Open(path("empty")).value()->bytes().empty());
  EXPECT_EQ(MappedFile::Open(dir_.path()).status().reason(), "BAD_PATH");
}

TEST_F(FileTest, TempDirGoesWithItsContentUnlessReleased) {
  fs::path gone, kept;
  {
    TempDir a = TempDir::Create("x_", dir_.path()).value();
    TempDir b = TempDir::Create("x_", dir_.path()).value();
    ASSERT_TRUE(WriteFileAtomic(a.path() / "f", "1").ok());
    gone = a.path();
    kept = b.Release();
  }
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_TRUE(fs::exists(kept));
}

// FIPS 180-4 example: SHA-256("abc").
TEST_F(FileTest, Sha256OfAbc) {
  const char* expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(Sha256Hex("abc"), expected);
  ASSERT_TRUE(WriteFileAtomic(path("a"), "abc").ok());
  EXPECT_EQ(*Sha256HexOfFile(path("a")), expected);
}

}  // namespace
}  // namespace ns
