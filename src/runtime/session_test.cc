#include "runtime/session.h"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "base/file.h"
#include "runtime/memory.h"
#include "runtime/session_model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model AddMul() {
  return Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 2] x, float[2] b) => (float[N, 2] sum, float[N, 2] twice) <float[1] two = {2}> {
      sum = Add(x, b)
      twice = Mul(sum, two)
    })").value();
}

NamedTensors Inputs() {
  return {{"x", Tensor::From<float>({2, 2}, {1, 2, 3, 4})}, {"b", Tensor::From<float>({2}, {10, 20})}};
}

// y = x * w, w of `count` floats, all 3.
Model Scaled(int64_t count) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[M] y) <float[1] w = {0}> { y = Mul(x, w) })").value();
  std::vector<float> values(static_cast<size_t>(count), 3.0f);
  model.SetWeight("w", Tensor::From<float>({count}, std::span<const float>(values)));
  return model;
}

float LastOfScaled(const Model& model) {
  auto session = Session::FromModel(model);
  NS_CHECK(session.ok(), "{}", session.status().ToString());
  return session->Run({{"x", Tensor::From<float>({1}, {2})}}).value()[0].values<float>().back();
}

TEST(Session, ComputesAllOutputsOrThoseNamed) {
  Session session = Session::FromModel(AddMul()).value();
  auto all = session.Run(Inputs()).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0].values<float>(), ElementsAre(11, 22, 13, 24));
  EXPECT_THAT(all[1].values<float>(), ElementsAre(22, 44, 26, 48));
  EXPECT_EQ(all[0].shape(), (Shape{2, 2}));
  std::vector<std::string> names = {"twice"};
  auto one = session.Run(Inputs(), names).value();
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].values<float>()[3], 48);
}

TEST(Session, OutputsOutliveTheSession) {
  Tensor kept;
  {
    Session session = Session::FromModel(AddMul()).value();
    kept = session.Run(Inputs()).value()[0];
  }
  EXPECT_THAT(kept.values<float>(), ElementsAre(11, 22, 13, 24));
}

TEST(Session, TellsItsInputsAndOutputs) {
  Session session = Session::FromModel(AddMul()).value();
  ASSERT_EQ(session.inputs().size(), 2u);
  EXPECT_EQ(session.inputs()[0].shape, (Shape{-1, 2}));
  EXPECT_EQ(session.inputs()[0].dimension_names[0], "N");
  EXPECT_EQ(session.outputs()[1].name, "twice");
}

TEST(Session, SaysWhichInputIsWrongAndHow) {
  Session session = Session::FromModel(AddMul()).value();
  auto run = [&](const std::string& name, Tensor tensor) {
    NamedTensors inputs = Inputs();
    inputs[name] = std::move(tensor);
    return session.Run(inputs).status();
  };
  Status type = run("x", Tensor::From<int64_t>({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(type.reason(), "INPUT_TYPE");
  EXPECT_EQ(type.message(), "input 'x' is int64[2,2], the model expects float32[?,2]");
  Status shape = run("x", Tensor::From<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(shape.reason(), "INPUT_SHAPE");
  EXPECT_EQ(shape.message(), "input 'x' is float32[2,3], the model expects float32[?,2]");
  EXPECT_EQ(run("z", Tensor::From<float>({1}, {1})).reason(), "UNKNOWN_INPUT");
  EXPECT_EQ(session.Run({{"x", Inputs()["x"]}}).status().message(), "input 'b' of the model is not given");
  std::vector<std::string> names = {"nothing"};
  EXPECT_THAT(session.Run(Inputs(), names).status().message(), HasSubstr("its outputs are 'sum', 'twice'"));
}

TEST(Session, AFailureInsideTheRunIsAStatus) {
  Session session = Session::FromModel(Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N] x, float[M] b) => (float[K] y) { y = Add(x, b) })").value()).value();
  Status status = session.Run({{"x", Tensor(DType::kFloat, {2})}, {"b", Tensor(DType::kFloat, {3})}}).status();
  EXPECT_EQ(status.reason(), "RUN_FAILED");
  EXPECT_THAT(status.message(), HasSubstr("Add"));
}

TEST(Session, SaysWhichOperatorHasNoKernel) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (uint8[1, 1, 4, 4] x, uint8[1, 1, 2, 2] w) => (uint8[1,1,3,3] y) { y = Conv(x, w) })").value();
  Status status = Session::FromModel(model).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("Conv"));
}

TEST(Session, StopsARunningModel) {
  // 2000 sequential steps of a Loop, each a 256x256 product: seconds, unless stopped.
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (int64 trips, bool go, float[256, 256] x) => (float[256, 256] y) {
      y = Loop(trips, go, x) <body = b (int64 i, bool c, float[256, 256] s) => (bool c2, float[256, 256] s2) {
        c2 = Identity(c)
        s2 = MatMul(s, s)
      }>
    })").value();
  Session session = Session::FromModel(model).value();
  NamedTensors inputs = {{"trips", Tensor::From<int64_t>({}, {1000000})},
                         {"go", Tensor::From<bool>({}, {true})},
                         {"x", Tensor(DType::kFloat, {256, 256})}};
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source.request_stop();
  });
  Status status = session.Run(inputs, {}, source.get_token()).status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.ToString();
  EXPECT_EQ(session.Run(inputs, {}, source.get_token()).status().code(), StatusCode::kCancelled);
}

TEST(Session, RunsFromSeveralThreads) {
  SessionOptions options;
  options.threads = 2;
  Session session = Session::FromModel(AddMul(), options).value();
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) right += session.Run(Inputs()).value()[0].values<float>()[0] == 11;
    });
  threads.clear();
  EXPECT_EQ(right, 200);
}

TEST(Session, RunsEveryOpsetThatTheLoaderAccepts) {
  for (int64_t opset = kOldestOpset; opset <= kNewestOpset; ++opset) {
    Model model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : {}]>
      g (float[2] x) => (float[2] y) {{ y = Relu(x) }})", opset)).value();
    auto session = Session::FromModel(model);
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    EXPECT_THAT(session->Run({{"x", Tensor::From<float>({2}, {-1, 1})}}).value()[0].values<float>(), ElementsAre(0, 1));
  }
}

TEST(Session, RefusesAFileThatIsMissing) {
  EXPECT_EQ(Session::FromFile("/nonexistent/m.onnx").status().reason(), "MODEL_NOT_FOUND");
}

// Weights in the buffer (4 KiB), in a file of the model, spilled (20 MiB in memory): the same numbers.
TEST(Session, UsesWeightsWhereverTheyAre) {
  EXPECT_EQ(LastOfScaled(Scaled(1024)), 6);
  EXPECT_EQ(LastOfScaled(Scaled(5 << 20)), 6);
  TempDir folder = TempDir::Create("ns-session-").value();
  for (bool external : {false, true}) {
    ASSERT_TRUE(Scaled(100'000).Save(folder.path() / "m.onnx", {.external_data = external}).ok());
    Model model = Model::Load(folder.path() / "m.onnx").value();
    SessionModel made = MakeSessionModel(model, false).value();
    EXPECT_LT(made.bytes.size(), 2000u);
    EXPECT_FALSE(made.spilled.has_value());
    EXPECT_EQ(LastOfScaled(model), 6);
  }
}

TEST(Session, DoesNotReadAFileThatTookThePlaceOfTheModels) {
  TempDir folder = TempDir::Create("ns-session-").value();
  ASSERT_TRUE(Scaled(5 << 20).Save(folder.path() / "m.onnx").ok());
  Model model = Model::Load(folder.path() / "m.onnx").value();
  ASSERT_TRUE(WriteFileAtomic(folder.path() / "m.onnx", std::string(30 << 20, '\0')).ok());
  EXPECT_TRUE(MakeSessionModel(model, false)->spilled.has_value());
  EXPECT_EQ(LastOfScaled(model), 6);
}

// The graph optimizer must see a constant that lives in a file: Mul of two constants is folded.
TEST(Session, ConstantsInFilesAreFoldedByTheRuntime) {
  TempDir folder = TempDir::Create("ns-session-").value();
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[M] y) <float[1] w = {0}, float[1] k = {5}> { t = Mul(w, k)  y = Mul(x, t) })").value();
  model.SetWeight("w", *Scaled(100'000).Weight("w"));
  ASSERT_TRUE(model.Save(folder.path() / "m.onnx").ok());
  SessionOptions options;
  options.optimization = GraphOptimization::kBasic;
  EXPECT_EQ(LastOfScaled(Model::Load(folder.path() / "m.onnx").value()), 30);
}

TEST(Memory, ReadsProcStatus) {
  MemoryUse use = ParseMemoryUse("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t  512 kB\n");
  EXPECT_EQ(use.peak_resident_bytes, 2048u * 1024);
  EXPECT_EQ(use.resident_bytes, 1024u * 1024);
  EXPECT_EQ(use.anonymous_bytes, 512u * 1024);
  EXPECT_GT(CurrentMemory().resident_bytes, 1u << 20);
}

TEST(Memory, AResetPeakForgetsWhatWasFreed) {
  { std::vector<char> big(64 << 20, 'x'); }
  uint64_t earlier = CurrentMemory().peak_resident_bytes;
  bool reset = ResetPeakMemory();
  uint64_t before = CurrentMemory().peak_resident_bytes;
  if (!reset) {  // a kernel that refuses leaves the peak as it was
    EXPECT_GE(before, earlier);
    return;
  }
  { std::vector<char> big(32 << 20, 'x'); }
  uint64_t after = CurrentMemory().peak_resident_bytes;
  EXPECT_GE(after, before + (30u << 20));
  EXPECT_LE(after, before + (40u << 20));
}

}  // namespace
}  // namespace ns
