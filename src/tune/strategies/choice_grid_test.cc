#include "tune/strategies/choice_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace ns {
namespace {

using ::testing::ElementsAre;

OpConfig In(OpMode mode) { return OpConfig{.mode = mode}; }

SpaceOperator Operator(std::string name, std::string type, std::string block, std::vector<OpMode> modes) {
  SpaceOperator op{std::move(name), std::move(type), std::move(block), {}, 0};
  for (OpMode mode : modes) op.choices.push_back(In(mode));
  op.choices.push_back(In(OpMode::kFloat));
  return op;
}

TuningProblem Problem(std::vector<SpaceOperator> operators) {
  TuningProblem problem;
  problem.space.operators = std::move(operators);
  return problem;
}

TuningProblem TwoOperators() {
  return Problem({Operator("a", "Conv", "", {OpMode::kStatic}), Operator("b", "MatMul", "", {OpMode::kStatic, OpMode::kDynamic})});
}

std::vector<GridPoint> All(const ChoiceGrid& grid) {
  std::vector<GridPoint> points;
  GridWalk walk(grid);
  while (auto point = walk.Next()) points.push_back(*point);
  return points;
}

TEST(AssembleTest, UniformTreatmentsHaveTheTextOfTheUniformConfiguration) {
  TuningProblem problem = TwoOperators();
  EXPECT_EQ(Canonical(Assemble(problem.space, {In(OpMode::kStatic), In(OpMode::kStatic)})),
            Canonical(problem.space.Uniform(OpMode::kStatic)));
  EXPECT_EQ(Canonical(Assemble(problem.space, {In(OpMode::kFloat), In(OpMode::kDynamic)})),
            Canonical(problem.space.Uniform(OpMode::kDynamic)));
}

TEST(AssembleTest, ACalibrationMeansNothingToAnOperatorThatIsNotStatic) {
  TuningProblem problem = TwoOperators();
  OpConfig dynamic{.mode = OpMode::kDynamic, .calibration = CalibrationMethod::kEntropy};
  EXPECT_EQ(Canonical(Assemble(problem.space, {In(OpMode::kFloat), dynamic})), Canonical(problem.space.Uniform(OpMode::kDynamic)));
}

TEST(DescribeTest, SaysWhatDiffersFromTheRest) {
  TuningProblem problem = TwoOperators();
  EXPECT_EQ(Describe(problem.space, problem.space.Uniform(OpMode::kStatic)), "static");
  EXPECT_EQ(Describe(problem.space, Assemble(problem.space, {In(OpMode::kStatic), In(OpMode::kFloat)})), "static, 1 operator in float");
}

TEST(ChoiceGridTest, AnOperatorIsADimensionWhileThereAreFew) {
  TuningProblem problem = TwoOperators();
  ChoiceGrid grid(problem, 8);
  EXPECT_EQ(grid.size(), 2 * 3);
  EXPECT_EQ(grid.dimensions()[1].label, "b");
  EXPECT_EQ(grid.all_float(), (GridPoint{1, 2}));
  EXPECT_TRUE(grid.IsFloat({1, 2}));
  EXPECT_FALSE(grid.IsFloat({1, 1}));
}

TEST(ChoiceGridTest, WalksOutwardsFromTheUsualConfiguration) {
  TuningProblem problem = TwoOperators();
  ChoiceGrid grid(problem, 8);
  EXPECT_THAT(All(grid), ElementsAre(GridPoint{0, 0}, GridPoint{1, 0}, GridPoint{0, 1}, GridPoint{0, 2}, GridPoint{1, 1}, GridPoint{1, 2}));
}

TEST(ChoiceGridTest, TheWalkMeetsEachPointOnceAndEachPointIsFoundByItsConfiguration) {
  TuningProblem problem = Problem({Operator("a", "Conv", "", {OpMode::kStatic}), Operator("b", "MatMul", "", {OpMode::kStatic, OpMode::kDynamic}),
                                   Operator("c", "Gemm", "", {OpMode::kDynamic}), Operator("d", "Relu", "", {})});
  problem.space.calibrations = {CalibrationMethod::kMinMax, CalibrationMethod::kEntropy};
  problem.space.recipes.smooth_quant = true;
  ChoiceGrid grid(problem, 8);
  std::set<GridPoint> points;
  for (const GridPoint& point : All(grid)) {
    EXPECT_TRUE(points.insert(point).second);
    QuantConfig config = grid.Config(point);
    auto found = grid.PointOf(config);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(Canonical(grid.Config(*found)), Canonical(config));
  }
  EXPECT_EQ(points.size(), 2 * 3 * 2 * 2 * 2);  // d cannot be quantized; smoothing and calibration are dimensions of their own
}

TEST(ChoiceGridTest, ManyOperatorsAreGroupedByTypeAndBlock) {
  TuningProblem problem;
  for (int block = 0; block < 4; ++block)
    for (const char* type : {"MatMul", "MatMul", "Add"}) {
      size_t i = problem.space.operators.size();
      problem.space.operators.push_back(Operator(fmt::format("n{}", i), type, fmt::format("layer.{}", block), {OpMode::kStatic}));
    }
  ChoiceGrid grid(problem, 8);
  ASSERT_EQ(grid.dimensions().size(), 8u);
  EXPECT_EQ(grid.dimensions()[0].label, "layer.0 MatMul");
  EXPECT_THAT(grid.dimensions()[0].operators, ElementsAre(0, 1));
  EXPECT_THAT(grid.dimensions()[7].operators, ElementsAre(11));
}

TEST(ChoiceGridTest, StillTooManyAreJoinedWithTheirNeighboursOfTheSameType) {
  TuningProblem problem;
  for (int i = 0; i < 10; ++i) problem.space.operators.push_back(Operator(fmt::format("n{}", i), i % 2 ? "Gemm" : "Conv", "", {OpMode::kStatic}));
  ChoiceGrid grid(problem, 4);
  std::vector<std::vector<size_t>> groups;
  for (const ChoiceDimension& dimension : grid.dimensions()) groups.push_back(dimension.operators);
  // 5 + 5, then 3 + 5, 3 + 3, 2 + 3 and 2 + 2.
  EXPECT_THAT(groups, ElementsAre(ElementsAre(0, 2, 4, 6), ElementsAre(1, 3, 5, 7), ElementsAre(8), ElementsAre(9)));
}

TEST(ChoiceGridTest, ModesThatAreNotAllowedAreNoOptions) {
  TuningProblem problem = TwoOperators();
  problem.try_static = false;
  ChoiceGrid grid(problem, 8);
  ASSERT_EQ(grid.dimensions().size(), 1u);
  EXPECT_EQ(grid.dimensions()[0].label, "b");
  EXPECT_EQ(grid.size(), 2);
}

TEST(ChoiceGridTest, WeightsAloneAreAnOptionWhereTheSizeCounts) {
  TuningProblem problem = Problem({Operator("a", "Gemm", "", {OpMode::kStatic, OpMode::kWeightOnly})});
  EXPECT_EQ(ChoiceGrid(problem, 8).size(), 2);
  problem.objective.size = 1;
  EXPECT_EQ(ChoiceGrid(problem, 8).size(), 3);
}

TEST(ChoiceGridTest, WithNothingToQuantizeThereAreNoPoints) {
  TuningProblem problem = Problem({Operator("a", "Relu", "", {})});
  ChoiceGrid grid(problem, 8);
  EXPECT_EQ(grid.size(), 0);
  EXPECT_TRUE(All(grid).empty());
}

TEST(ChoiceGridTest, DrawsAreOnTheGridAndTheSameForTheSameSeed) {
  TuningProblem problem = TwoOperators();
  ChoiceGrid grid(problem, 8);
  std::set<GridPoint> seen;
  for (uint64_t i = 0; i < 200; ++i) {
    auto first = RandomFor(7, i), second = RandomFor(7, i);
    GridPoint point = grid.Draw(first);
    EXPECT_EQ(point, grid.Draw(second));
    EXPECT_LT(point[0], 2u);
    EXPECT_LT(point[1], 3u);
    seen.insert(point);
  }
  EXPECT_EQ(seen.size(), 6u);
}

}  // namespace
}  // namespace ns
