#include "tune/strategies/conservative.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tune/testing/driven_session.h"
#include "tune/testing/literal_model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

DrivenSession Tune(const LiteralModel& model) { return Drive(model, {.problem = model.problem(), .stop = {}, .strategy = "conservative"}); }

TEST(ConservativeTest, QuantizesTypeByTypeAndKeepsWhatHolds) {
  LiteralModel model({{.name = "g", .type = "Gemm", .noise = 0.1},
                      {.name = "c1", .type = "Conv", .noise = 0.1},
                      {.name = "m", .type = "MatMul", .noise = 3},
                      {.name = "a", .type = "Add", .noise = 0.1},
                      {.name = "c2", .type = "Conv", .noise = 0.1}});
  DrivenSession driven = Tune(model);
  EXPECT_THAT(driven.labels, ElementsAre("Conv static", "Conv static, MatMul static", "Conv static, Gemm static",
                                         "Conv static, Gemm static, Add static"));
  EXPECT_DOUBLE_EQ(driven.gain, 1 / (1 - 0.8 / 2));
}

TEST(ConservativeTest, ATypeThatMissesInStaticFormIsTriedInDynamicForm) {
  LiteralModel model({{.name = "c", .type = "Conv", .noise = 0.1}, {.name = "m", .type = "MatMul", .noise = 3, .dynamic_noise = 0.1}});
  DrivenSession driven = Tune(model);
  EXPECT_THAT(driven.labels, ElementsAre("Conv static", "Conv static, MatMul static", "Conv static, MatMul dynamic"));
  EXPECT_TRUE(driven.answer.goal_met);
}

TEST(ConservativeTest, EndsWithFloatWhereNoTypeHolds) {
  LiteralModel model({{.name = "c", .type = "Conv", .noise = 5}, {.name = "m", .type = "MatMul", .noise = 5}});
  DrivenSession driven = Tune(model);
  EXPECT_THAT(driven.labels, ElementsAre("Conv static", "MatMul static"));
  EXPECT_FALSE(driven.answer.trial.has_value());
}

}  // namespace
}  // namespace ns
