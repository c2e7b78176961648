#include "huggingface/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/file.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class ModelFolderTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, std::string_view content) {
    std::filesystem::create_directories((folder() / name).parent_path());
    ASSERT_TRUE(WriteFileAtomic(folder() / name, content).ok());
  }
  ModelFolder Open() {
    Result<ModelFolder> model = OpenModelFolder(folder());
    EXPECT_TRUE(model.ok()) << model.status().message();
    return model.value_or({});
  }
  Status OpenStatus() { return OpenModelFolder(folder()).status(); }
  const std::filesystem::path& folder() const { return dir_.path(); }

  TempDir dir_ = TempDir::Create("ns-model-folder-test-").value();
};

TEST_F(ModelFolderTest, ReadsWhatSavePretrainedWrites) {
  Write("model.onnx", "x");
  Write("tokenizer.json", "{}");
  Write("tokenizer_config.json", R"({"model_max_length": 128, "padding_side": "left"})");
  Write("config.json",
        R"({"architectures": ["BertForSequenceClassification"], "model_type": "bert", "max_position_embeddings": 512,
    "pad_token_id": 5, "id2label": {"0": "admin", "1": "games"}, "label2id": {"admin": 0, "games": 1}})");
  ModelFolder model = Open();
  EXPECT_EQ(model.onnx, folder() / "model.onnx");
  EXPECT_EQ(model.tokenizer, folder() / "tokenizer.json");
  EXPECT_EQ(model.model_type, "bert");
  EXPECT_EQ(model.task, "text-classification");
  EXPECT_EQ(model.metric, "accuracy");
  EXPECT_THAT(model.label_ids, ElementsAre(Pair("admin", 0), Pair("games", 1)));
  EXPECT_EQ(model.labels, 2);
  EXPECT_EQ(model.max_length, 128);
  EXPECT_EQ(model.pad_id, 5);
  EXPECT_EQ(model.pad_side, TokenizerOptions::PadSide::kLeft);
  EXPECT_THAT(model.guesses,
              ElementsAre("architecture BertForSequenceClassification: task text-classification, metric accuracy"));
}

TEST_F(ModelFolderTest, FindsTheModelWhereOptimumPutsItAndNeedsNoMoreThanAConfig) {
  Write("onnx/model.onnx", "x");
  Write("config.json", "{}");
  ModelFolder model = Open();
  EXPECT_EQ(model.onnx, folder() / "onnx/model.onnx");
  EXPECT_EQ(model.task, "");
  EXPECT_EQ(model.max_length, 0);
  EXPECT_TRUE(model.tokenizer.empty());
  EXPECT_TRUE(LooksLikeModelFolder(folder()));
  EXPECT_FALSE(LooksLikeModelFolder(folder() / "onnx"));
}

TEST_F(ModelFolderTest, WeightsAreLookedForWhereThereIsNoOnnxModel) {
  Write("config.json", "{}");
  Write("pytorch_model.bin", "x");
  EXPECT_EQ(Open().weights, folder() / "pytorch_model.bin");
  EXPECT_TRUE(Open().onnx.empty());
  Write("model.safetensors", "x");
  EXPECT_EQ(Open().weights, folder() / "model.safetensors");
  Write("onnx/model.onnx", "x");
  EXPECT_EQ(Open().onnx, folder() / "onnx/model.onnx");
  EXPECT_TRUE(Open().weights.empty());
}

TEST_F(ModelFolderTest, TurnsId2LabelRoundWhenThereIsNoLabel2Id) {
  Write("model.onnx", "x");
  Write("config.json", R"({"id2label": {"10": "b", "2": "a"}})");
  EXPECT_THAT(Open().label_ids, ElementsAre(Pair("a", 2), Pair("b", 10)));
  Write("config.json", R"({"id2label": {"0": "a"}, "label2id": {"a": 1}})");
  EXPECT_THAT(Open().guesses, ElementsAre("config.json: label2id and id2label differ; label2id is used"));
}

TEST_F(ModelFolderTest, ARegressionIsMeasuredByCorrelation) {
  Write("model.onnx", "x");
  Write("config.json", R"({"architectures": ["RobertaForSequenceClassification"], "id2label": {"0": "LABEL_0"}})");
  EXPECT_EQ(Open().metric, "pearson");
  Write("config.json",
        R"({"architectures": ["BertForSequenceClassification"], "problem_type": "multi_label_classification"})");
  EXPECT_EQ(Open().metric, "");
}

TEST_F(ModelFolderTest, RobertasFirstTwoPositionsAreNoTokensAndHugeLimitsAreNone) {
  Write("model.onnx", "x");
  Write("config.json", R"({"model_type": "roberta", "max_position_embeddings": 514})");
  Write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(Open().max_length, 512);
}

TEST_F(ModelFolderTest, SaysWhatItLookedFor) {
  EXPECT_THAT(OpenStatus().message(), HasSubstr("holds no ONNX model: looked for 'model.onnx' and 'onnx/model.onnx'"));
  EXPECT_EQ(OpenStatus().reason(), "NO_ONNX_MODEL");
  Write("model.onnx", "x");
  EXPECT_EQ(OpenStatus().reason(), "NO_CONFIG");
  EXPECT_THAT(OpenStatus().message(), HasSubstr("looked for 'config.json'"));
  EXPECT_EQ(OpenModelFolder(folder() / "none").status().reason(), "FILE_NOT_FOUND");
}

TEST_F(ModelFolderTest, FieldsOfOtherTypesAreNamed) {
  Write("model.onnx", "x");
  Write("config.json", "{");
  EXPECT_THAT(OpenStatus().message(), HasSubstr("config.json' is not JSON"));
  Write("config.json", "[]");
  EXPECT_THAT(OpenStatus().message(), HasSubstr("config.json' is not a JSON object"));
  for (const char* config :
       {R"({"model_type": 1})", R"({"architectures": "x"})", R"({"architectures": [1]})", R"({"label2id": []})",
        R"({"label2id": {"a": "b"}})", R"({"id2label": {"a": "b"}})", R"({"id2label": {"0": 1}})",
        R"({"pad_token_id": "x"})", R"({"max_position_embeddings": -1})", R"({"problem_type": 3})"}) {
    Write("config.json", config);
    EXPECT_EQ(OpenStatus().reason(), "BAD_CONFIG") << config;
  }
  Write("config.json", R"({"max_position_embeddings": "many"})");
  EXPECT_THAT(OpenStatus().message(),
              HasSubstr("config.json': field 'max_position_embeddings' is not a whole number from 0 on"));
}

TEST_F(ModelFolderTest, FillsOptionsThatAreNotToldAlready) {
  ModelFolder model;
  model.tokenizer = "t.json";
  model.max_length = 128;
  model.pad_id = 4;
  model.label_ids = {{"a", 0}};
  DataSetOptions options;
  FillDataSetOptions(model, &options);
  EXPECT_EQ(options.tokenizer->file, "t.json");
  EXPECT_EQ(options.tokenizer->max_length, 128);
  EXPECT_EQ(options.tokenizer->pad_id, 4);
  EXPECT_THAT(options.label_ids, ElementsAre(Pair("a", 0)));
  DataSetOptions told;
  told.label_ids = {{"b", 1}};
  told.tokenizer.emplace();
  told.tokenizer->max_length = 16;
  FillDataSetOptions(model, &told);
  EXPECT_EQ(told.tokenizer->max_length, 16);
  EXPECT_EQ(told.tokenizer->file, "t.json");
  EXPECT_THAT(told.label_ids, ElementsAre(Pair("b", 1)));
  DataSetOptions images;
  FillDataSetOptions(ModelFolder{}, &images);
  EXPECT_FALSE(images.tokenizer.has_value());
}

TEST(ModelFolderExampleTest, TheTextExampleFeedsItsModelWithoutAnOption) {
  std::filesystem::path folder = std::filesystem::path(NS_SOURCE_DIR) / "examples/text-classification";
  Result<ModelFolder> model = OpenModelFolder(folder);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->task, "text-classification");
  EXPECT_EQ(model->label_ids.size(), 10u);
  DataSetOptions options;
  options.path = folder / "evaluation.tsv";
  options.labels = DataSetOptions::Labels::kRequired;
  FillDataSetOptions(*model, &options);
  std::vector<TensorSpec> inputs;
  for (const char* name : {"input_ids", "attention_mask", "token_type_ids"}) {
    TensorSpec& input = inputs.emplace_back();
    input.name = name;
    input.dtype = DType::kInt64;
    input.shape = {-1, -1};
  }
  Result<std::unique_ptr<DataSet>> set = OpenDataSet(options, inputs);
  ASSERT_TRUE(set.ok()) << set.status().message();
  std::vector<int64_t> all(static_cast<size_t>((*set)->rows()));
  std::iota(all.begin(), all.end(), 0);
  Batch batch = (*set)->Read(all).value();
  EXPECT_LE(batch.inputs.at("input_ids").shape()[1], model->max_length);
  for (int64_t label : batch.labels->values<int64_t>()) EXPECT_TRUE(label >= 0 && label < 10);
  auto ids = batch.inputs.at("input_ids").values<int64_t>();
  auto mask = batch.inputs.at("attention_mask").values<int64_t>();
  for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(mask[i] == 0, ids[i] == 0) << i;  // [PAD] has the id 0
}

}  // namespace
}  // namespace ns
