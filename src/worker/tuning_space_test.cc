#include "worker/tuning_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ns
