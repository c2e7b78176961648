#include "tune/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ns {
namespace {

using ::testing::ElementsAre;

TEST(ParetoSetTest, KeepsWhatNoOtherBeatsInEveryRespect) {
  const ParetoCandidate candidates[] = {
      {0.90, 10, 100},   // fp32: the most accurate
      {0.89, 5, 25},     // faster and smaller
      {0.88, 6, 25},     // worse than the one before in two respects, equal in one
      {0.85, 4, 30},     // the fastest
      {0.85, 4, 30},     // the same again
      {NAN, 1, 1},
  };
  EXPECT_THAT(ParetoSet(candidates, true), ElementsAre(0, 1, 3));
}

TEST(ParetoSetTest, WhereLowerIsBetterTheOrderTurns) {
  const ParetoCandidate candidates[] = {{1.0, 10, 100}, {1.5, 5, 100}, {2.0, 7, 100}};
  EXPECT_THAT(ParetoSet(candidates, false), ElementsAre(0, 1));
}

}  // namespace
}  // namespace ns
