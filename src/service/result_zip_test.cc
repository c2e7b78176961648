#include "service/result_zip.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class ZipFolderTest : public testing::Test {
 protected:
  ZipFolderTest() { fs::create_directories(result_); }

  TempDir folder_ = TempDir::Create("ns_zip_").value();
  fs::path result_ = folder_.path() / "result";
  fs::path zip_ = folder_.path() / "x.zip";
  fs::path partial_ = folder_.path() / "x.zip.partial";
};

TEST_F(ZipFolderTest, RefusesAnEmptyFolderAndLeavesNothing) {
  EXPECT_EQ(ZipFolder(result_, zip_).reason(), "NO_RESULT");
  EXPECT_FALSE(fs::exists(zip_));
}

TEST_F(ZipFolderTest, PacksSmallFilesAndStoresBigOnes) {
  ASSERT_TRUE(WriteFileAtomic(result_ / "report.json", std::string(1 << 20, ' ')).ok());
  ASSERT_TRUE(ZipFolder(result_, zip_).ok());
  EXPECT_LT(fs::file_size(zip_), 100'000u);
  ASSERT_TRUE(WriteFileAtomic(result_ / "model.onnx", std::string(17 << 20, 'x')).ok());
  ASSERT_TRUE(ZipFolder(result_, zip_).ok());
  EXPECT_GT(fs::file_size(zip_), 17u << 20);
  EXPECT_FALSE(fs::exists(partial_));
}

TEST_F(ZipFolderTest, AFailureOnTheWayLeavesNothing) {
  ASSERT_TRUE(WriteFileAtomic(result_ / "a.txt", "a").ok());
  fs::create_directories(zip_ / "in_the_way");  // the rename fails
  EXPECT_FALSE(ZipFolder(result_, zip_).ok());
  EXPECT_FALSE(fs::exists(partial_));
}

}  // namespace
}  // namespace ns
