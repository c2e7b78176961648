#include "tasks/outpost_files.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(OutpostFilesTest, WhatIsWrittenIsRead) {
  std::vector<OutpostInput> inputs = {{"/data/m.onnx", "given/model/m.onnx", true, true, false}, {"/ws/x", "inputs", false, false, true}};
  EXPECT_EQ(ParseOutpostInputs(OutpostInputsToJson(inputs)).value(), inputs);
  OutpostOrder order{false, {{"given/a", std::string(64, 'a'), 7, true}, {"task.json", std::string(64, '0'), 0, false}}};
  auto read = ParseOutpostOrder(OutpostOrderToJson(order)).value();
  EXPECT_EQ(read.files, order.files);
  EXPECT_FALSE(read.ended);
  auto beat = ParseOutpostBeat(OutpostBeatToJson({"pids", "tcp:10.0.0.1:1\n"})).value();
  EXPECT_EQ(beat.pids + beat.address, "pidstcp:10.0.0.1:1\n");
  EXPECT_EQ(ParseOutpostNext(OutpostNextJson(1234567890123)).value(), 1234567890123u);
}

TEST(OutpostFilesTest, AnOrderThatWouldPutAFileElsewhereIsRefused) {
  for (const char* target : {"", "/etc/passwd", "..", "a/../../b", "a//b", "./a", "a/.", "a/"}) {
    EXPECT_FALSE(IsSafeTarget(target)) << target;
    EXPECT_FALSE(ParseOutpostOrder(OutpostOrderToJson({false, {{target, std::string(64, 'a'), 1, false}}})).ok()) << target;
  }
  for (const char* target : {"a", "a/b", "...", "a/..b", "with space"}) EXPECT_TRUE(IsSafeTarget(target)) << target;
  EXPECT_FALSE(ParseOutpostOrder(OutpostOrderToJson({false, {{"a", "../x", 1, false}}})).ok());
  EXPECT_FALSE(ParseOutpostOrder("{}").ok());
}

}  // namespace
}  // namespace ns
