#include "worker/output_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

namespace fs = std::filesystem;
using Existing = OutputFolder::Existing;

class OutputFolderTest : public ::testing::Test {
 protected:
  OutputFolderTest() : root_(TempDir::Create("ns-output-").value()) {}
  size_t EntriesOfRoot() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(root_.path())) ++count;
    return count;
  }
  void WriteResult(const fs::path& folder, std::string_view model) {
    auto output = OutputFolder::Create(folder, Existing::kReplaceResult, scratch_);
    ASSERT_TRUE(output.ok()) << output.status().ToString();
    for (const char* name : {"report.json", "recipe.json"})
      ASSERT_TRUE(WriteFileAtomic(output->folder() / name, "{}").ok());
    ASSERT_TRUE(WriteFileAtomic(output->folder() / "model.onnx", model).ok());
    Status status = output->Commit();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  TempDir root_;
  ScratchFolders scratch_;
};

TEST_F(OutputFolderTest, AppearsOnlyWhenCommitted) {
  fs::path place = root_.path() / "a" / "out";
  auto output = OutputFolder::Create(place, Existing::kRefuse, scratch_);
  ASSERT_TRUE(output.ok()) << output.status().ToString();
  ASSERT_TRUE(WriteFileAtomic(output->folder() / "model.onnx", "m").ok());
  EXPECT_FALSE(fs::exists(place));
  ASSERT_TRUE(output->Commit().ok());
  EXPECT_EQ(ReadFile(place / "model.onnx").value_or(""), "m");
  EXPECT_EQ(fs::status(place).permissions(), static_cast<fs::perms>(0755));
}

TEST_F(OutputFolderTest, LeavesNothingWhenItIsNotCommitted) {
  {
    auto output = OutputFolder::Create(root_.path() / "out", Existing::kRefuse, scratch_);
    ASSERT_TRUE(output.ok());
    ASSERT_TRUE(WriteFileAtomic(output->folder() / "model.onnx", "m").ok());
  }
  EXPECT_EQ(EntriesOfRoot(), 0u);
}

TEST_F(OutputFolderTest, RefusesAFolderWithSomethingInIt) {
  fs::create_directory(root_.path() / "out");
  ASSERT_TRUE(WriteFileAtomic(root_.path() / "out" / "mine", "x").ok());
  for (Existing existing : {Existing::kRefuse, Existing::kReplaceResult}) {
    Status status = OutputFolder::Check(root_.path() / "out", existing);
    EXPECT_EQ(status.reason(), "OUTPUT_EXISTS");
  }
}

TEST_F(OutputFolderTest, TakesAnEmptyFolder) {
  fs::create_directory(root_.path() / "out");
  WriteResult(root_.path() / "out" / "", "m");
  EXPECT_EQ(ReadFile(root_.path() / "out" / "model.onnx").value_or(""), "m");
}

TEST_F(OutputFolderTest, ReplacesAnEarlierResultOnlyWhenTold) {
  fs::path place = root_.path() / "out";
  WriteResult(place, "old");
  EXPECT_EQ(OutputFolder::Check(place, Existing::kRefuse).reason(), "OUTPUT_EXISTS");
  WriteResult(place, "new");
  EXPECT_EQ(ReadFile(place / "model.onnx").value_or(""), "new");
  EXPECT_EQ(EntriesOfRoot(), 1u);
}

TEST_F(OutputFolderTest, ScratchFoldersGoAtOnceWhenTold) {
  auto output = OutputFolder::Create(root_.path() / "out", Existing::kRefuse, scratch_);
  ASSERT_TRUE(output.ok());
  ASSERT_TRUE(WriteFileAtomic(output->folder() / "model.onnx", "m").ok());
  EXPECT_FALSE(scratch_.DeleteAll());
  EXPECT_EQ(EntriesOfRoot(), 0u);
  EXPECT_EQ(output->Commit().code(), StatusCode::kNotFound);
}

TEST_F(OutputFolderTest, AResultInItsPlaceIsNoScratchAnyMore) {
  WriteResult(root_.path() / "out", "m");
  EXPECT_TRUE(scratch_.DeleteAll());
  EXPECT_EQ(ReadFile(root_.path() / "out" / "model.onnx").value_or(""), "m");
}

TEST_F(OutputFolderTest, NothingIsPlacedAfterTheDeletion) {
  scratch_.DeleteAll();
  EXPECT_EQ(scratch_.Place("x", [] { return Internal("called", "CALLED"); }).code(), StatusCode::kCancelled);
}

TEST_F(OutputFolderTest, AResultThatIsExpectedIsMarkedOnce) {
  EXPECT_FALSE(scratch_.expects_result());
  scratch_.MarkExpectedResult(root_.path() / "mark");
  EXPECT_EQ(EntriesOfRoot(), 0u);
  scratch_.ExpectResult();
  EXPECT_TRUE(scratch_.expects_result());
  EXPECT_TRUE(fs::is_regular_file(root_.path() / "mark"));
  fs::remove(root_.path() / "mark");
  scratch_.ExpectResult();
  EXPECT_EQ(EntriesOfRoot(), 0u);
}

}  // namespace
}  // namespace ns
