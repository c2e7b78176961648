#include "data/data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  options.path = folder.Write("x.parquet", "x");
  status = OpenDataSet(options, inputs).status();
  EXPECT_EQ(status.reason(), "UNSUPPORTED_FORMAT");
  EXPECT_THAT(status.message(), HasSubstr("x.parquet' is of an unknown kind; .npz, .csv, .tsv and .jsonl are read"));
  options.path = folder.path();
  EXPECT_THAT(OpenDataSet(options, inputs).status().message(), HasSubstr("is a folder; .npz, .csv"));
  options.path = folder.Write("x.CSV", "x\n1\n");
  EXPECT_TRUE(OpenDataSet(options, inputs).ok());
}

}  // namespace
}  // namespace ns
