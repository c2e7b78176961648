#include "worker/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SpreadRowsTest, TakesEvenlySpreadRowsAndNoMoreThanThereAre) {
  std::vector<int64_t> rows = {10, 11, 12, 13, 14, 15};
  EXPECT_THAT(SpreadRows(rows, 3), ElementsAre(10, 12, 14));
  EXPECT_THAT(SpreadRows(rows, 4), ElementsAre(10, 11, 13, 14));  // positions 0, 6/4, 12/4, 18/4
  EXPECT_EQ(SpreadRows(rows, 100), rows);
  EXPECT_THAT(SpreadRows({}, 3), IsEmpty());
}

TEST(MetricNeedsLabelsTest, AgreementAndPerplexityDoNot) {
  EXPECT_EQ(MetricNeedsLabels("accuracy").value(), true);
  EXPECT_EQ(MetricNeedsLabels("agreement").value(), false);
  EXPECT_EQ(MetricNeedsLabels("perplexity").value(), false);
  EXPECT_EQ(MetricNeedsLabels("acuracy").status().reason(), "UNKNOWN_METRIC");
}

class OpenDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileAtomic(Path("a.csv"), Rows(1)).ok());
    ASSERT_TRUE(WriteFileAtomic(Path("other.csv"), Rows(2)).ok());
  }
  // Ten rows of x = first, first + 1, ...
  static std::string Rows(int first) {
    std::string text = "x,label\n";
    for (int i = 0; i < 10; ++i) text += fmt::format("{},{}\n", first + i, i % 2);
    return text;
  }
  fs::path Path(const std::string& name) const { return folder_.path() / name; }
  Result<SourceData> Open(const fs::path& calibration) const {
    SourceModel source{{},
                       std::nullopt,
                       Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
      g (float[N, 1] x) => (float[N, 1] y) { y = Relu(x) })")
                           .value()};
    DataOptions options;
    options.path = Path("a.csv");
    options.calibration = calibration.string();
    return OpenData(source, options, DataSetOptions::Labels::kOptional);
  }
  TempDir folder_ = TempDir::Create("ns-inputs-").value();
};

TEST_F(OpenDataTest, CalibrationDataOfItsOwnLeavesAllRowsToTheEvaluation) {
  auto data = Open(Path("other.csv"));
  ASSERT_TRUE(data.ok()) << data.status().ToString();
  EXPECT_NE(data->second, nullptr);
  EXPECT_EQ(data->split.evaluation.size(), 10u);
}

TEST_F(OpenDataTest, TheEvaluationDataByAnotherNameGivesNoRowToBoth) {
  fs::create_symlink(Path("a.csv"), Path("symlink.csv"));
  fs::create_hard_link(Path("a.csv"), Path("hard link.csv"));
  fs::copy_file(Path("a.csv"), Path("copy.csv"));
  for (const char* name : {"a.csv", "../a.csv", "symlink.csv", "hard link.csv", "copy.csv"}) {
    fs::path path = name[0] == '.' ? folder_.path() / ".." / folder_.path().filename() / "a.csv" : Path(name);
    auto data = Open(path);
    ASSERT_TRUE(data.ok()) << data.status().ToString();
    EXPECT_EQ(data->second, nullptr) << name;
    EXPECT_EQ(data->split.calibration.size() + data->split.evaluation.size(), 10u) << name;
    for (int64_t row : data->split.calibration) EXPECT_THAT(data->split.evaluation, ::testing::Not(Contains(row)));
    EXPECT_THAT(data->split.notes, Contains(HasSubstr("no calibration data of its own"))) << name;
  }
}

TEST(DigestOfTest, AFileHasItsOwnAndAFolderThatOfItsList) {
  TempDir folder = TempDir::Create("ns-digest-").value();
  ASSERT_TRUE(WriteFileAtomic(folder.path() / "b", "abc").ok());
  // SHA-256 of "abc", FIPS 180-4.
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(DigestOf(folder.path() / "b").value(), abc);
  EXPECT_EQ(DigestOf(folder.path()).value(), Sha256Hex(abc + "  b\n"));
  EXPECT_EQ(DigestOf(folder.path() / "gone").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace ns
