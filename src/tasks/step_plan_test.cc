#include "tasks/step_plan.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(StepPlanTest, ComesBackFromItsJson) {
  StepPlan plan;
  plan.attempt = 3;
  plan.work_folder = "/w/ü \"x\"";
  plan.steps = {{"fetch", {"/bin/f", "a b", ""}, {{"A", "1=2"}}, 2.5, "FETCH_FAILED", {true, {"/r"}, {"/w"}, {"/s"}}}, {"worker", {"/bin/w"}, {}, 0, "", {}}};
  plan.sandbox = false;
  plan.hidden = "/h";
  plan.environment = "/e";
  plan.limits = {uint64_t{1} << 40, 2, 3, 4, 5};
  plan.relay = {TeamRelayPlan::Side::kLead, "/t/lead.sock", "/t/address", "10.0.0.0/8"};
  StepPlan back = ParseStepPlan(StepPlanToJson(plan)).value();
  EXPECT_EQ(back.attempt, 3);
  EXPECT_EQ(back.work_folder, plan.work_folder);
  EXPECT_FALSE(back.sandbox);
  EXPECT_EQ(back.hidden, "/h");
  EXPECT_EQ(back.environment, "/e");
  EXPECT_EQ(back.limits, plan.limits);
  EXPECT_EQ(back.relay, plan.relay);
  ASSERT_EQ(back.steps.size(), 2U);
  EXPECT_EQ(back.steps[0].sandbox, plan.steps[0].sandbox);
  EXPECT_EQ(back.steps[1].sandbox, SandboxProfile());
  EXPECT_EQ(back.steps[0].name, "fetch");
  EXPECT_EQ(back.steps[0].argv, (std::vector<std::string>{"/bin/f", "a b", ""}));
  EXPECT_EQ(back.steps[0].environment, (std::map<std::string, std::string>{{"A", "1=2"}}));
  EXPECT_EQ(back.steps[0].time_limit_seconds, 2.5);
  EXPECT_EQ(back.steps[0].failure_reason, "FETCH_FAILED");
  EXPECT_EQ(back.steps[1].failure_reason, "");
}

TEST(StepPlanTest, RefusesWhatCannotBeRun) {
  for (const char* text : {"", "[]", "{}", R"({"attempt":1,"work_folder":"/w","steps":[]})", R"({"attempt":1,"work_folder":"/w","steps":[1]})",
                           R"({"attempt":1,"work_folder":"/w","steps":[{"name":"a","argv":[]}]})", R"({"attempt":1,"steps":[{"name":"a","argv":["b"]}]})"}) {
    EXPECT_EQ(ParseStepPlan(text).status().reason(), "BAD_STEP_PLAN") << text;
  }
}

}  // namespace
}  // namespace ns
