#include "worker/team/task_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "quantize/statistics_codec.h"
#include "worker/team/local_assistants.h"
#include "worker/team/team_spec.h"
#include "worker/team/worker_need.h"

namespace ns {
namespace {

QuantConfig OddConfig() {
  QuantConfig config;
  config.defaults.mode = OpMode::kStatic;
  config.defaults.calibration = CalibrationMethod::kEntropy;
  config.operators["a \"quoted\" name"].mode = OpMode::kFloat;
  config.smooth_quant.emplace();
  config.smooth_quant->alphas["x"] = 0.1 + 0.2;
  return config;
}

TEST(TaskCodec, ATrialComesToTheAssistantAsItWasMeant) {
  BlobStore blobs;
  auto facts = std::make_shared<Knowledge>();
  facts->facts.bias_corrections["node"] = {1.5F, -0.1F};
  TrialTask sent;
  sent.item = EvaluateItem{OddConfig(), "a label", true};
  sent.trial = 7;
  sent.hard = {3, 1, 4};
  sent.knowledge = {facts};
  auto fetch = [&](const std::string& digest) -> Result<KnowledgePtr> {
    NS_ASSIGN_OR_RETURN(Knowledge got, KnowledgeFromBytes(blobs.Get(digest).value()));
    return std::make_shared<const Knowledge>(std::move(got));
  };
  auto received = TaskFromText(TaskToText(sent, "digest", &blobs), fetch);
  ASSERT_TRUE(received.ok()) << received.status().ToString();
  const auto& trial = std::get<TrialTask>(received->task);
  EXPECT_EQ(KeyOf(trial.item), KeyOf(sent.item));
  EXPECT_EQ(std::get<EvaluateItem>(trial.item).label, "a label");
  EXPECT_EQ(trial.trial, 7);
  EXPECT_EQ(trial.hard, sent.hard);
  EXPECT_EQ(trial.knowledge.at(0)->facts, facts->facts);
  EXPECT_EQ(received->stopper, "digest");
}

TEST(TaskCodec, KnowledgeIsMadeIntoBytesOnceAndHasOneDigest) {
  BlobStore blobs;
  auto knowledge = std::make_shared<Knowledge>();
  knowledge->statistics = std::make_shared<Statistics>();
  KnowledgePtr shared = knowledge;
  EXPECT_EQ(blobs.Add(shared), blobs.Add(shared));
  EXPECT_FALSE(blobs.Get("another"));
}

TEST(TaskCodec, OutcomesComeBackToTheLastBit) {
  TrialTask asked;
  asked.item = EvaluateItem{OddConfig(), "", false};
  TeamTask evaluation = asked;
  TrialOutcome outcome;
  outcome.result = EvaluateResult{.values = {0.1 + 0.2, INFINITY}, .size_bytes = 5, .seconds = 1.5, .rows = 3, .stopped_early = true};
  outcome.hard = {2, 0};
  auto back = OutcomeFromBytes(OutcomeToBytes(TeamOutcome(outcome)), evaluation);
  ASSERT_TRUE(back.ok());
  const auto& trial = std::get<TrialOutcome>(*back);
  EXPECT_EQ(std::get<EvaluateResult>(trial.result).values, (std::vector<double>{0.1 + 0.2, INFINITY}));
  EXPECT_EQ(trial.hard, outcome.hard);

  const std::vector<MetricStates> adds_up = {{{0.1, -0.0}}, {{1e-320}}}, by_row = {{{2}, {3, 4}}, {}};
  EvaluationPart part{3, {adds_up, by_row}, 0.25};
  auto same = OutcomeFromBytes(OutcomeToBytes(TeamOutcome(part)), BaselineShard{3, 2});
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(std::get<EvaluationPart>(*same).states, part.states);
  EXPECT_EQ(std::get<EvaluationPart>(*same).first, 3);
}

TEST(TaskCodec, AFailureKeepsItsReason) {
  auto back = OutcomeFromBytes(OutcomeToBytes(InvalidArgument("row 3 has \xff", "NON_FINITE_VALUE")), BaselineShard{});
  EXPECT_EQ(back.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(back.status().reason(), "NON_FINITE_VALUE");
}

TEST(TaskCodec, RefusesWhatItDoesNotUnderstand) {
  auto none = [](const std::string&) -> Result<KnowledgePtr> { return NotFound("none"); };
  for (const char* text : {"", "{}", "{\"kind\":\"trial\"}", "{\"kind\":\"calibration\",\"methods\":[\"x\"]}"}) EXPECT_FALSE(TaskFromText(text, none).ok()) << text;
  EXPECT_EQ(OutcomeFromBytes("{}\nshort", BaselineShard{}).status().reason(), "BAD_RESULT");
  EXPECT_EQ(OutcomeFromBytes("", BaselineShard{}).status().reason(), "BAD_RESULT");
  EXPECT_FALSE(TeamSpecFromText("{}").ok());
  EXPECT_FALSE(StopperFromText("{}").ok());
}

TEST(TeamSpec, TellsAnAssistantWhatToOpen) {
  TeamSpec spec;
  spec.model = "/m/model.onnx";
  spec.data.path = "/d/rows.npz";
  spec.data.calibration = "0:100";
  spec.data.columns.inputs = {{"a", "b"}};
  spec.data.evaluation_samples = 7;
  MetricRequest metric;
  metric.name = "f1";
  metric.options.positive_label = 3;
  spec.metrics = {metric};
  spec.inputs = {{"model", "/m/model.onnx", "abc"}};
  spec.evaluation_rows = 16;
  TeamSpec back = *TeamSpecFromText(TeamSpecToText(spec));
  EXPECT_EQ(back.model, spec.model);
  EXPECT_EQ(back.data.calibration, "0:100");
  EXPECT_EQ(back.data.columns.inputs, spec.data.columns.inputs);
  EXPECT_EQ(back.data.evaluation_samples, 7);
  EXPECT_FALSE(back.data.calibration_samples);
  EXPECT_EQ(back.metrics.at(0).options.positive_label, 3);
  EXPECT_EQ(back.inputs.at(0).sha256, "abc");
  EXPECT_EQ(back.evaluation_rows, 16);
}

TEST(WorkerNeed, TellsWhatChangedAndShrinksOnlyAfterAWhile) {
  WorkerNeed need(4, 30);
  EXPECT_EQ(need.Update(1, 1, true, 0), (WorkersEvent{4, 1}));
  EXPECT_EQ(need.Update(1, 1, true, 0), std::nullopt);
  EXPECT_EQ(need.Update(3, 1, false, 5), (WorkersEvent{4, 3}));  // a pause
  EXPECT_FALSE(need.surplus());
  EXPECT_EQ(need.Update(3, 1, false, 31), (WorkersEvent{1, 3}));
  EXPECT_TRUE(need.surplus());
  EXPECT_EQ(need.useful(), 1);
  EXPECT_EQ(need.Update(1, 1, true, 0), (WorkersEvent{4, 1}));
}

TEST(WorkerNeed, SaysNothingOfATaskForOne) { EXPECT_EQ(WorkerNeed(1).Update(1, 1, true, 0), std::nullopt); }

TEST(SplitCores, GivesEachWorkerNeighboursAndTheLeadNoFewer) {
  EXPECT_EQ(SplitCores({0, 1, 4, 5, 6}, 2), (std::vector<std::vector<int>>{{0, 1, 4}, {5, 6}}));
  EXPECT_EQ(SplitCores({0, 1}, 2), (std::vector<std::vector<int>>{{0}, {1}}));
}

}  // namespace
}  // namespace ns
