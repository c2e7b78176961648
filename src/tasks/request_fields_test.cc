#include "tasks/request_fields.h"

#include <gtest/gtest.h>

#include "tasks/task_spec_codec.h"

namespace ns {
namespace {

std::string Set(std::string_view request, const std::vector<RequestField>& fields) {
  auto text = SetRequestFields(request, fields);
  return text.ok() ? *text : text.status().message();
}

TEST(RequestFieldsTest, EachKindIsWrittenAsTheContractHasIt) {
  using enum RequestValue;
  EXPECT_EQ(Set("", {{"name", kText, {"7"}}}), R"({"name":"7"})");
  EXPECT_EQ(Set("", {{"workers", kNumber, {"7"}}}), R"({"workers":7})");
  EXPECT_EQ(Set("", {{"deadline", kNumber, {"2026-01-31T12:00:00Z"}}}), R"({"deadline":"2026-01-31T12:00:00Z"})");
  EXPECT_EQ(Set("", {{"tuning.cache", kBool, {"false"}}}), R"({"tuning":{"cache":false}})");
  EXPECT_EQ(Set("", {{"requirements", kTexts, {"a", "b"}}}), R"({"requirements":["a","b"]})");
  EXPECT_EQ(Set("", {{"arguments", kWords, {"--a", "b c"}}}), R"({"arguments":["--a","'b c'"]})");
  EXPECT_EQ(Set("", {{"labels", kTextMap, {"user=ann", "note=a=b"}}}), R"({"labels":{"user":"ann","note":"a=b"}})");
  EXPECT_EQ(Set("", {{"dataset.columns.inputs", kSources, {"ids=input_ids"}}}), R"({"dataset":{"columns":{"inputs":{"input_ids":"ids"}}}})");
  EXPECT_EQ(Set("", {{"tuning.recipes", kBoolMap, {"a", "b=false"}}}), R"({"tuning":{"recipes":{"a":true,"b":false}}})");
  EXPECT_EQ(Set("", {{"metric", kMetrics, {"f1"}}}), R"({"metric":"f1"})");
  EXPECT_EQ(Set("", {{"metric", kMetrics, {"f1", R"({"name":"mse"})"}}}), R"({"metric":["f1",{"name":"mse"}]})");
  EXPECT_EQ(Set("", {{"tuning.objective", kObjectives, {"size"}}}), R"({"tuning":{"objective":"size"}})");
  EXPECT_EQ(Set("", {{"tuning.objective", kObjectives, {"size=2", "memory"}}}),
            R"({"tuning":{"objective":[{"objective":"size","weight":2},{"objective":"memory","weight":1}]}})");
}

TEST(RequestFieldsTest, FieldsGoOverTheRequestAndLeaveTheRestOfIt) {
  using enum RequestValue;
  const char* request = R"({"model":"m","dataset":"d","tuning":{"seed":1,"timeout":2}})";
  EXPECT_EQ(Set(request, {{"tuning.seed", kNumber, {"5"}}, {"dataset.batch_size", kNumber, {"8"}}}),
            R"({"model":"m","dataset":{"path":"d","batch_size":8},"tuning":{"seed":5,"timeout":2}})");
  EXPECT_EQ(Set(R"({"dataset":{"path":"d","batch_size":8}})", {{"dataset", kText, {"e"}}}), R"({"dataset":{"path":"e","batch_size":8}})");
}

TEST(RequestFieldsTest, WhatHasNotTheFormOfItsKindIsNamed) {
  using enum RequestValue;
  EXPECT_EQ(Set("[]", {}), "the request must be a JSON object");
  EXPECT_EQ(Set("", {{"labels", kTextMap, {"ann"}}}), "labels: must be NAME=VALUE, got 'ann'");
  EXPECT_EQ(Set("", {{"tuning.cache", kBool, {"maybe"}}}), "tuning.cache: must be true or false, got 'maybe'");
  auto parsed = ParseTaskSpec(Set(R"({"model":"m","dataset":"d"})", {{"workers", kNumber, {"many"}}}));
  ASSERT_TRUE(std::holds_alternative<std::vector<FieldError>>(parsed));
  EXPECT_EQ(FieldErrorsToText(std::get<std::vector<FieldError>>(parsed)), "workers: must be a whole number from 1 to 10000, got \"many\"");
}

}  // namespace
}  // namespace ns
