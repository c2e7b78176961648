#include "data/number_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using testing::Input;
using testing::Values;

class NumberTableTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<DataSet>> Open(const std::string& name, std::string_view content,
                                        const std::vector<TensorSpec>& inputs) {
    options_.path = folder_.Write(name, content);
    return OpenDataSet(options_, inputs);
  }
  Folder folder_;
  DataSetOptions options_;
};

TEST_F(NumberTableTest, ColumnsFeedTheInputsOfTheirNames) {
  auto set = Open("d.csv", "a,b,label\n1.5,2,0\n-3,4,1\n",
                  {Input("b", DType::kInt64, {-1}), Input("a", DType::kFloat, {-1, 1})})
                 .value();
  EXPECT_THAT(set->guesses(), ElementsAre("column 'label' taken as the label"));
  Batch batch = set->Read(std::vector<int64_t>{1, 0}).value();
  EXPECT_EQ(batch.inputs.at("a").shape(), (Shape{2, 1}));
  EXPECT_THAT(Values<float>(batch.inputs.at("a")), ElementsAre(-3, 1.5f));
  EXPECT_EQ(batch.inputs.at("b").shape(), (Shape{2}));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("b")), ElementsAre(4, 2));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(1, 0));
}

TEST_F(NumberTableTest, ArraysOfJsonlFeedInputsOfMoreAxes) {
  auto set =
      Open("d.jsonl", "{\"x\": [[1, 2], [3, 4]], \"label\": \"yes\"}\n{\"x\": [[5, 6], [7, 8]], \"label\": \"no\"}\n",
           {Input("x", DType::kDouble, {-1, 2, 2})});
  EXPECT_EQ(set.status().reason(), "BAD_VALUE");  // names of labels nobody told
  options_.label_ids = {{"no", 0}, {"yes", 1}};
  set = OpenDataSet(options_, std::vector{Input("x", DType::kDouble, {-1, 2, 2})});
  ASSERT_TRUE(set.ok()) << set.status().message();
  Batch batch = (*set)->Read(std::vector<int64_t>{1}).value();
  EXPECT_THAT(Values<double>(batch.inputs.at("x")), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(0));
}

TEST_F(NumberTableTest, ManyColumnsFeedAnOnlyInputInTheirOrderAndThatIsAGuess) {
  auto set = Open("d.tsv", "id\tf2\tf1\ty\n0\t1\t2\t1\n1\t3\t4\t0\n", {Input("x", DType::kFloat, {-1, 2})}).value();
  EXPECT_THAT(set->guesses(), ElementsAre("column 'y' taken as the label",
                                          "the columns 'f2', 'f1' feed the model's input 'x' in this order"));
  EXPECT_THAT(Values<float>(set->Read(std::vector<int64_t>{1})->inputs.at("x")), ElementsAre(3, 4));
  EXPECT_EQ(Open("d.csv", "f1,f2\n1,2\n", {Input("x", DType::kFloat, {-1, 3})}).status().reason(), "MISSING_COLUMN");
}

TEST_F(NumberTableTest, AMissingColumnIsToldWithThoseThatAreThere) {
  Status status = Open("d.csv", "a,b\n1,2\n", {Input("x", DType::kFloat, {-1})}).status();
  EXPECT_EQ(status.reason(), "MISSING_COLUMN");
  EXPECT_THAT(status.message(),
              HasSubstr("d.csv': no column 'x' for the model's input 'x' (float32 [?]); the data set has 'a', 'b'"));
  EXPECT_THAT(Open("d.csv", "text\nhi\n", {Input("input_ids", DType::kInt64, {-1, -1})}).status().message(),
              HasSubstr("text needs a tokenizer.json beside the model"));
}

TEST_F(NumberTableTest, BadValuesAreToldWithRowAndColumn) {
  std::vector<TensorSpec> inputs = {Input("a", DType::kFloat, {-1})};
  Status status = Open("d.csv", "a\n1\ntwo\n", inputs).status();
  EXPECT_EQ(status.reason(), "BAD_VALUE");
  EXPECT_THAT(status.message(), HasSubstr("row 1 (line 3), column 'a': a finite number is needed, found is 'two'"));
  EXPECT_EQ(Open("d.csv", "a\n1\nNaN\n", inputs).status().reason(), "NON_FINITE_VALUE");
  EXPECT_EQ(Open("d.csv", "a,b\n1,1\n,1\n", inputs).status().reason(), "BAD_VALUE");
  EXPECT_EQ(Open("d.jsonl", "{\"a\": 1}\n{\"a\": [1]}\n", inputs).status().reason(), "SHAPE_MISMATCH");
  EXPECT_EQ(Open("d.jsonl", "{\"a\": {}}\n", inputs).status().reason(), "BAD_VALUE");
  status = Open("d.csv", "a\n1\n1.5\n", {Input("a", DType::kInt64, {-1})}).status();
  EXPECT_EQ(status.reason(), "DTYPE_MISMATCH");
  EXPECT_THAT(status.message(),
              HasSubstr("row 1 (line 3), column 'a': 1.5 is no whole number, but the model's input is int64"));
}

TEST_F(NumberTableTest, WhatOverflowsFloat32IsToldAndNotMadeInfinite) {
  Status status = Open("d.csv", "a,b\n1,1\n1,1e300\n", {Input("x", DType::kFloat, {-1, 2})}).status();
  EXPECT_EQ(status.reason(), "VALUE_OUT_OF_RANGE");
  EXPECT_THAT(status.message(), HasSubstr("row 1 (line 3), column 'b': 1e+300 does not fit into float32"));
}

}  // namespace
}  // namespace ns
