#include "data/data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::HasSubstr;

TEST(DataSetTest, AFileThatIsNotThereOrOfAnotherKindIsRefused) {
  testing::Folder folder;
  std::vector<TensorSpec> inputs = {testing::Input("x", DType::kFloat, {-1})};
  DataSetOptions options;
  options.path = folder.path() / "none.npz";
  Status status = OpenDataSet(options, inputs).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("none.npz' is not there"));
  options.path = folder.Write("x.xlsx", "x");
  status = OpenDataSet(options, inputs).status();
  EXPECT_EQ(status.reason(), "UNSUPPORTED_FORMAT");
  EXPECT_THAT(status.message(), HasSubstr("x.xlsx' is of an unknown kind; .npz, .csv, .tsv and .jsonl are read"));
  options.path = folder.path();
  EXPECT_THAT(OpenDataSet(options, inputs).status().message(), HasSubstr("is a folder; .npz, .csv"));
  options.path = folder.Write("x.CSV", "x\n1\n");
  EXPECT_TRUE(OpenDataSet(options, inputs).ok());
}

TEST(DataSetTest, ReadsTheImageExample) {
  DataSetOptions options;
  options.path = std::filesystem::path(NS_SOURCE_DIR) / "examples/image-classification/evaluation.npz";
  auto set = OpenDataSet(options, std::vector{testing::Input("image", DType::kFloat, {-1, 1, 8, 8})});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_TRUE((*set)->has_labels());
  EXPECT_TRUE((*set)->guesses().empty());
  std::vector<int64_t> all(static_cast<size_t>((*set)->rows()));
  std::iota(all.begin(), all.end(), 0);
  Batch batch = (*set)->Read(all).value();
  EXPECT_EQ(batch.inputs.at("image").shape(), (Shape{(*set)->rows(), 1, 8, 8}));
  for (int64_t label : batch.labels->values<int64_t>()) EXPECT_TRUE(label >= 0 && label < 10);
}

}  // namespace
}  // namespace ns
