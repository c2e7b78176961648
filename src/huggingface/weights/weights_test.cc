#include "huggingface/weights/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"
#include "huggingface/testing/weight_files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Safetensors;
using testing::Values;

std::string OneByte(const std::string& name, char value) {
  return Safetensors(fmt::format(R"({{"{}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}})", name),
                     std::string(1, value));
}

class WeightsTest : public ::testing::Test {
 protected:
  Status OpenStatus() { return Weights::Open(folder_.path()).status(); }
  testing::Folder folder_;
};

TEST_F(WeightsTest, TakesTheFileThatTransformersWouldTake) {
  EXPECT_EQ(OpenStatus().reason(), "NO_WEIGHTS");
  EXPECT_THAT(OpenStatus().message(),
              HasSubstr("looked for 'model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin'"));
  std::string storage = testing::PickledStorage("ByteStorage", "0", 1);
  std::string pickle =
      testing::PickleOf(testing::PickledStateDict({{"x", testing::PickledTensor(storage, 0, {1}, {1})}}));
  folder_.Write("pytorch_model.bin", testing::TorchArchive(pickle, {{"0", "b"}}));
  EXPECT_THAT(Values<uint8_t>(Weights::Open(folder_.path())->Read("x").value()), ElementsAre('b'));
  folder_.Write("model.safetensors", OneByte("x", 's'));
  Weights weights = Weights::Open(folder_.path()).value();
  EXPECT_THAT(Values<uint8_t>(weights.Read("x").value()), ElementsAre('s'));
  EXPECT_EQ(weights.file().filename(), "model.safetensors");
  EXPECT_EQ(weights.Read("y").status().reason(), "MISSING_WEIGHT");
}

TEST_F(WeightsTest, PartsAreReadByTheirIndex) {
  folder_.Write("model-1.safetensors", OneByte("a", '1'));
  folder_.Write("model-2.safetensors", OneByte("b", '2'));
  folder_.Write(
      "model.safetensors.index.json",
      R"({"metadata": {"total_size": 2}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})");
  Weights weights = Weights::Open(folder_.path()).value();
  EXPECT_EQ(weights.size(), 2u);
  EXPECT_THAT(Values<uint8_t>(weights.Read("b").value()), ElementsAre('2'));
  for (const char* file : {"../model-1.safetensors", "/etc/passwd", "..", "", "model-3.safetensors"}) {
    folder_.Write("model.safetensors.index.json", fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", file));
    EXPECT_FALSE(OpenStatus().ok()) << file;
  }
  folder_.Write("model.safetensors.index.json", R"({"weight_map": {"b": "model-1.safetensors"}})");
  EXPECT_THAT(OpenStatus().message(), HasSubstr("tensor 'b' is not in 'model-1.safetensors'"));
  folder_.Write("model.safetensors.index.json", R"({"weight_map": []})");
  EXPECT_EQ(OpenStatus().reason(), "BAD_WEIGHTS");
}

TEST(WeightNamesTest, GammaAndBetaAreWeightAndBias) {
  Weights weights({{"x.LayerNorm.gamma", testing::Counting({2}, 1)}, {"x.LayerNorm.beta", testing::Counting({3}, 1)}});
  EXPECT_EQ(weights.Get("x.LayerNorm.weight")->shape[0], 2);
  EXPECT_EQ(weights.Get("x.LayerNorm.bias")->shape[0], 3);
  EXPECT_EQ(weights.Get("x.weight"), nullptr);
  EXPECT_TRUE(weights.HasPrefix("x.Layer"));
  EXPECT_FALSE(weights.HasPrefix("y."));
}

}  // namespace
}  // namespace ns
