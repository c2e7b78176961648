#include "worker/tuning_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

TEST(TuningSpaceTest, TypesThatAreNotAllowedAreNotOffered) {
  Bench bench(SmallMlp(), {8, 4, 8});
  TuningOptions options;
  TuningSpace all = MakeTuningSpace(bench.quantizer, options, {}, nullptr);
  EXPECT_EQ(all.CountWith(OpMode::kStatic), 2);
  EXPECT_EQ(all.CountWith(OpMode::kDynamic), 2);
  EXPECT_EQ(all.CountWith(OpMode::kWeightOnly), 2);
  options.dtypes = {"int8"};
  EXPECT_EQ(MakeTuningSpace(bench.quantizer, options, {}, nullptr).CountWith(OpMode::kStatic), 2);
  options.dtypes = {"fp32"};
  TuningSpace none = MakeTuningSpace(bench.quantizer, options, {}, nullptr);
  EXPECT_EQ(none.operators.size(), 2u);
  EXPECT_FALSE(none.Quantizes());
}

TEST(TuningSpaceTest, OperatorsSayWhatTheyRead) {
  Bench bench(Prepared(SmallEncoder("N")), {8, 4, 8});
  std::map<std::string, std::string> inputs;
  for (const SpaceOperator& op : MakeTuningSpace(bench.quantizer, {}, {}, nullptr).operators) inputs[op.name] = op.input;
  std::map<std::string, int> readers;
  for (const auto& [name, input] : inputs) ++readers[input];
  EXPECT_EQ(readers["x"], 3) << "the attention's three products read the input: " << testing::PrintToString(inputs);
}

}  // namespace
}  // namespace ns
