#include "hub/hub_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using testing::ElementsAre;

TEST(HubFilesTest, OneFormatOfWeightsIsEnough) {
  EXPECT_THAT(NeededFiles({"README.md", "config.json", "flax_model.msgpack", "model.safetensors", "onnx/model.onnx", "onnx/model_int8.onnx", "pytorch_model.bin",
                           "tf_model.h5", "tokenizer.json"})
                  .value(),
              ElementsAre("config.json", "onnx/model.onnx", "tokenizer.json"));
  EXPECT_THAT(NeededFiles({"config.json", "model.safetensors", "pytorch_model.bin", "vocab.txt"}).value(), ElementsAre("config.json", "model.safetensors", "vocab.txt"));
  EXPECT_THAT(NeededFiles({"config.json", "pytorch_model.bin", "preprocessor_config.json"}).value(),
              ElementsAre("config.json", "preprocessor_config.json", "pytorch_model.bin"));
}

TEST(HubFilesTest, AnOnnxModelComesWithItsExternalData) {
  EXPECT_THAT(NeededFiles({"config.json", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model.onnx_data_1", "onnx/model_fp16.onnx_data"}).value(),
              ElementsAre("config.json", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model.onnx_data_1"));
}

TEST(HubFilesTest, PiecesComeWithTheirIndex) {
  EXPECT_THAT(NeededFiles({"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model-x.safetensors", "model.safetensors.index.json",
                           "pytorch_model.bin"})
                  .value(),
              ElementsAre("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
  auto some = NeededFiles({"config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json"});
  EXPECT_EQ(some.status().reason(), "NO_MODEL_FILES");
  EXPECT_THAT(some.status().message(), testing::HasSubstr("1 of 2"));
}

TEST(HubFilesTest, NoNameLeadsOutOfTheRepository) {
  EXPECT_THAT(NeededFiles({"config.json", "onnx/model.onnx", "onnx/model.onnx_data/../../../x"}).value(), ElementsAre("config.json", "onnx/model.onnx"));
  EXPECT_FALSE(NeededFiles({"config.json", "model.safetensors.index.json", "model-/../../x-of-1.safetensors"}).ok());
}

TEST(HubFilesTest, WithoutConfigOrWeightsThereIsNoModel) {
  EXPECT_EQ(NeededFiles({"model.onnx"}).status().reason(), "NO_MODEL_FILES");
  EXPECT_EQ(NeededFiles({"config.json", "tf_model.h5"}).status().reason(), "NO_MODEL_FILES");
}

}  // namespace
}  // namespace ns
