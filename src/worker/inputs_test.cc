#include "worker/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
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
