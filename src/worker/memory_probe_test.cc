#include "worker/memory_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "graph/model.h"

namespace ns {
namespace {

using ::testing::HasSubstr;

TEST(InputShapeTest, ComesBack) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{1, 3, 224, 224}}) {
    auto parsed = ParseInputShape(InputShapeToString("a=b", shape));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->first, "a=b");
    EXPECT_EQ(parsed->second, shape);
  }
}

TEST(InputShapeTest, RefusesOtherForms) {
  for (const char* text : {"", "x", "=1", "x=1,", "x=,1", "x=1x3", "x=-1"}) {
    EXPECT_EQ(ParseInputShape(text).status().reason(), "BAD_SHAPE") << text;
  }
}

TEST(RunForPeakMemoryTest, RunsTheModelOnTheShapesGiven) {
  TempDir folder = TempDir::Create("ns-memory-").value();
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, M] x) => (float[N, M] y) { y = Abs(x) })")
                    .value();
  ASSERT_TRUE(model.Save(folder.path() / "m.onnx").ok());
  auto peak = RunForPeakMemory(folder.path() / "m.onnx", {{"x", {1000, 10000}}}, 1);
  ASSERT_TRUE(peak.ok()) << peak.status().ToString();
  EXPECT_GT(*peak, 80'000'000u);  // 10^7 floats in and as many out
}

TEST(MeasurePeakMemoryTest, AChildThatFailsIsAnError) {
  TempDir folder = TempDir::Create("ns-memory-").value();
  MemoryProbe probe{"/bin/false", folder.path(), 1};
  auto peak = MeasurePeakMemory(probe, "m.onnx", {}, {});
  EXPECT_EQ(peak.status().reason(), "PROBE_FAILED");
  EXPECT_THAT(peak.status().message(), HasSubstr("exit code 1"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ns
