#include "data/array_data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Input;
using testing::Values;

using Arrays = std::map<std::string, Tensor>;

const std::vector<TensorSpec> kX = {Input("x", DType::kFloat, {-1, 2})};

Arrays TwoRows() {
  return {{"x", Tensor::From<float>({3, 2}, {1, 2, 3, 4, 5, 6})}, {"labels", Tensor::From<int32_t>({3}, {7, 8, 9})}};
}

Status CreateStatus(const Arrays& arrays, const std::vector<TensorSpec>& inputs,
                    const ArrayDataSetOptions& options = {}) {
  return ArrayDataSet::Create(arrays, inputs, options).status();
}

TEST(ArrayDataSetTest, ReadsRowsInTheOrderAsked) {
  auto set = ArrayDataSet::Create(TwoRows(), kX, {}).value();
  EXPECT_EQ(set->rows(), 3);
  EXPECT_TRUE(set->has_labels());
  EXPECT_EQ(set->fixed_batch(), std::nullopt);
  EXPECT_TRUE(set->guesses().empty());
  Batch batch = set->Read(std::vector<int64_t>{2, 0, 2}).value();
  EXPECT_EQ(batch.inputs.at("x").shape(), (Shape{3, 2}));
  EXPECT_THAT(Values<float>(batch.inputs.at("x")), ElementsAre(5, 6, 1, 2, 5, 6));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(9, 7, 9));
  EXPECT_THAT(batch.rows, ElementsAre(2, 0, 2));
}

TEST(ArrayDataSetTest, ConvertsTypesAndRecordsIt) {
  Arrays arrays = {{"x", Tensor::From<uint8_t>({1, 2}, {0, 255})}, {"y", Tensor::From<double>({1}, {0.5})}};
  auto set = ArrayDataSet::Create(arrays, kX, {}).value();
  EXPECT_THAT(set->guesses(),
              ElementsAre("array 'y' taken as the labels", "array 'x' converted from uint8 to float32"));
  Batch batch = set->Read(std::vector<int64_t>{0}).value();
  EXPECT_THAT(Values<float>(batch.inputs.at("x")), ElementsAre(0, 255));
  EXPECT_THAT(Values<float>(*batch.labels), ElementsAre(0.5f));
  arrays = {{"x", Tensor::From<double>({1, 2}, {0.1, 1e300})}};
  set = ArrayDataSet::Create(arrays, kX, {}).value();
  EXPECT_THAT(set->guesses(), ElementsAre("array 'x' converted from float64 to float32, rounded"));
  Status status = set->Read(std::vector<int64_t>{0}).status();
  EXPECT_EQ(status.reason(), "VALUE_OUT_OF_RANGE");
  EXPECT_EQ(status.message(), "array 'x', row 0, element 1: the value of float64 does not fit into float32");
}

TEST(ArrayDataSetTest, AFixedBatchIsFilledUpWithItsLastRow) {
  auto set = ArrayDataSet::Create(TwoRows(), std::vector{Input("x", DType::kFloat, {4, 2})}, {}).value();
  EXPECT_EQ(set->fixed_batch(), 4);
  Batch batch = set->Read(std::vector<int64_t>{0, 1}).value();
  EXPECT_THAT(Values<float>(batch.inputs.at("x")), ElementsAre(1, 2, 3, 4, 3, 4, 3, 4));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(7, 8));
  Status status = set->Read(std::vector<int64_t>{0, 1, 2, 0, 1}).status();
  EXPECT_EQ(status.reason(), "BATCH_TOO_LARGE");
  EXPECT_EQ(status.message(), "a batch of 5 rows was asked for, the model takes 4 at a time");
}

TEST(ArrayDataSetTest, RowsOutsideAndNoRowsAreRefused) {
  auto set = ArrayDataSet::Create(TwoRows(), kX, {}).value();
  EXPECT_EQ(set->Read(std::vector<int64_t>{3}).status().message(), "row 3 was asked for, the data set has 3");
  EXPECT_EQ(set->Read(std::vector<int64_t>{-1}).status().reason(), "ROW_OUT_OF_RANGE");
  EXPECT_EQ(set->Read({}).status().reason(), "NO_ROWS");
}

TEST(ArrayDataSetTest, NanIsToldWithRowAndElement) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  auto set = ArrayDataSet::Create({{"x", Tensor::From<float>({2, 2}, {0, 1, 2, nan})}}, kX, {}).value();
  EXPECT_TRUE(set->Read(std::vector<int64_t>{0}).ok());
  Status status = set->Read(std::vector<int64_t>{0, 1}).status();
  EXPECT_EQ(status.reason(), "NON_FINITE_VALUE");
  EXPECT_EQ(status.message(), "array 'x', row 1, element 1: the value is NaN or infinite");
}

TEST(ArrayDataSetTest, AShapeThatDiffersNamesArrayAndInput) {
  Status status = CreateStatus({{"x", Tensor(DType::kFloat, {5, 3})}}, kX);
  EXPECT_EQ(status.reason(), "SHAPE_MISMATCH");
  EXPECT_EQ(status.message(),
            "array 'x' (float32 [5,3]) can't feed the model's input 'x' (float32 [?,2]): the shapes differ");
  EXPECT_EQ(CreateStatus({{"x", Tensor(DType::kFloat, {5})}}, kX).reason(), "SHAPE_MISMATCH");
  EXPECT_EQ(CreateStatus({{"x", Tensor(DType::kFloat, {})}}, kX).reason(), "SHAPE_MISMATCH");
  EXPECT_EQ(CreateStatus({{"x", Tensor(DType::kFloat, {5, 2})}}, {Input("x", DType::kFloat, {})}).message(),
            "the model's input 'x' is a scalar: it has no axis for rows, so no data set can feed it");
  TensorSpec any = Input("x", DType::kFloat, {});
  any.has_shape = false;
  EXPECT_TRUE(CreateStatus({{"x", Tensor(DType::kFloat, {5, 3})}}, {any}).ok());
}

TEST(ArrayDataSetTest, ATypeThatLosesValuesIsRefused) {
  Status status = CreateStatus({{"x", Tensor(DType::kFloat, {5, 2})}}, {Input("x", DType::kInt64, {-1, 2})});
  EXPECT_EQ(status.reason(), "DTYPE_MISMATCH");
  EXPECT_THAT(status.message(), HasSubstr("array 'x' (float32 [5,2]) can't feed the model's input 'x' (int64 [?,2])"));
}

TEST(ArrayDataSetTest, TheOnlyArrayFeedsTheOnlyInputAndThatIsAGuess) {
  auto set =
      ArrayDataSet::Create({{"images", Tensor(DType::kFloat, {1, 2})}, {"labels", Tensor(DType::kInt64, {1})}}, kX, {})
          .value();
  EXPECT_THAT(set->guesses(), ElementsAre("array 'images', the only one, feeds the model's input 'x'"));
}

TEST(ArrayDataSetTest, AMissingArrayListsWhatIsThere) {
  Arrays arrays = {{"a", Tensor(DType::kFloat, {1, 2})}, {"b", Tensor(DType::kFloat, {1, 2})}};
  Status status = CreateStatus(arrays, kX);
  EXPECT_EQ(status.reason(), "MISSING_COLUMN");
  EXPECT_EQ(status.message(), "no array 'x' for the model's input 'x' (float32 [?,2]); the data set has 'a', 'b'");
  ArrayDataSetOptions options;
  options.unusable.emplace("x", InvalidArgument("it holds strings", "UNSUPPORTED_ARRAY"));
  status = CreateStatus(arrays, kX, options);
  EXPECT_EQ(status.reason(), "UNSUPPORTED_ARRAY");
  EXPECT_EQ(status.message(), "array 'x': it holds strings");
}

TEST(ArrayDataSetTest, AMappingNamesTheInputThatAnArrayFeeds) {
  Arrays arrays = {{"a", Tensor::From<float>({1, 2}, {3, 4})}, {"b", Tensor(DType::kFloat, {1, 2})}};
  ArrayDataSetOptions options;
  options.inputs = {{"a", "x"}};
  auto set = ArrayDataSet::Create(arrays, kX, options).value();
  EXPECT_THAT(Values<float>(set->Read(std::vector<int64_t>{0})->inputs.at("x")), ElementsAre(3, 4));
  EXPECT_THAT(set->guesses(), ElementsAre("not used: 'b'"));
  options.inputs = {{"a", "z"}};
  EXPECT_EQ(CreateStatus(arrays, kX, options).message(), "array 'a' is to feed 'z', but the model's inputs are 'x'");
}

TEST(ArrayDataSetTest, LabelsThatAMetricNeedsButAreNotThereAreAnError) {
  ArrayDataSetOptions options;
  EXPECT_FALSE(ArrayDataSet::Create({{"x", Tensor(DType::kFloat, {1, 2})}}, kX, options).value()->has_labels());
  options.labels = DataSetOptions::Labels::kRequired;
  Status status = CreateStatus({{"x", Tensor(DType::kFloat, {1, 2})}}, kX, options);
  EXPECT_EQ(status.reason(), "NO_LABELS");
  EXPECT_EQ(status.message(), "the data set has no labels: array 'labels' is needed; it has 'x'");
  options.label = "classes_of_rows";
  EXPECT_EQ(CreateStatus({{"x", Tensor(DType::kFloat, {1, 2})}}, kX, options).reason(), "MISSING_COLUMN");
}

TEST(ArrayDataSetTest, AnInputNamedYIsNoLabel) {
  auto set =
      ArrayDataSet::Create({{"y", Tensor(DType::kFloat, {1, 2})}}, std::vector{Input("y", DType::kFloat, {-1, 2})}, {})
          .value();
  EXPECT_FALSE(set->has_labels());
}

TEST(ArrayDataSetTest, ArraysOfDifferentRowsAreRefused) {
  Arrays arrays = {{"x", Tensor(DType::kFloat, {3, 2})}, {"labels", Tensor(DType::kInt64, {2})}};
  Status status = CreateStatus(arrays, kX);
  EXPECT_EQ(status.reason(), "ROW_COUNT_MISMATCH");
  EXPECT_EQ(status.message(),
            "array 'x' (float32 [3,2]) and array 'labels' (int64 [2]) have different numbers of rows");
}

TEST(ArrayDataSetTest, EmptyArraysAndImpossibleBatchesAreRefused) {
  EXPECT_EQ(CreateStatus({{"x", Tensor(DType::kFloat, {0, 2})}}, kX).reason(), "EMPTY_DATA_SET");
  EXPECT_EQ(
      CreateStatus({{"x", Tensor(DType::kFloat, {1, 2})}}, {Input("x", DType::kFloat, {int64_t{1} << 40, 2})}).reason(),
      "SHAPE_MISMATCH");
  std::vector<TensorSpec> different = {Input("x", DType::kFloat, {1, 2}), Input("z", DType::kFloat, {2, 2})};
  EXPECT_EQ(CreateStatus({}, different).message(),
            "the model's inputs 'x' and 'z' have different fixed batch sizes, 1 and 2");
}

}  // namespace
}  // namespace ns
