// The numbers are compared with PyTorch's in tests/e2e/architectures_test.py; here: names, forms, and what is refused.
#include "huggingface/architectures/build_onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "huggingface/architectures/architecture.h"
#include "huggingface/testing/weight_files.h"

namespace ns {
namespace {

using testing::Counting;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Shapes = std::vector<std::pair<std::string, Shape>>;

void AddLinear(Shapes* shapes, const std::string& module, int64_t out, int64_t in) {
  shapes->push_back({module + ".weight", {out, in}});
  shapes->push_back({module + ".bias", {out}});
}

void AddNorm(Shapes* shapes, const std::string& module, int64_t width) {
  shapes->push_back({module + ".weight", {width}});
  shapes->push_back({module + ".bias", {width}});
}

// A BERT of one layer: 4 columns, 8 within the layer, 7 words, 6 places.
Shapes BertShapes(const std::string& base) {
  Shapes shapes = {{base + "embeddings.word_embeddings.weight", {7, 4}},
                   {base + "embeddings.position_embeddings.weight", {6, 4}},
                   {base + "embeddings.token_type_embeddings.weight", {2, 4}}};
  AddNorm(&shapes, base + "embeddings.LayerNorm", 4);
  std::string layer = base + "encoder.layer.0.";
  for (const char* name : {"query", "key", "value"}) AddLinear(&shapes, layer + "attention.self." + name, 4, 4);
  AddLinear(&shapes, layer + "attention.output.dense", 4, 4);
  AddNorm(&shapes, layer + "attention.output.LayerNorm", 4);
  AddLinear(&shapes, layer + "intermediate.dense", 8, 4);
  AddLinear(&shapes, layer + "output.dense", 4, 8);
  AddNorm(&shapes, layer + "output.LayerNorm", 4);
  AddLinear(&shapes, base + "pooler.dense", 4, 4);
  return shapes;
}

Weights WeightsOf(const Shapes& shapes) {
  StoredTensors tensors;
  for (const auto& [name, shape] : shapes) tensors[name] = Counting(shape);
  return Weights(std::move(tensors));
}

std::string BertConfig(const std::string& class_name, const std::string& more = "") {
  return fmt::format(
      R"({{"model_type": "bert", "architectures": ["{}"], "num_hidden_layers": 1, "num_attention_heads": 2{}}})",
      class_name, more);
}

Result<BuiltModel> Built(const std::string& config, const Weights& weights) {
  return BuildOnnx(ModelConfig::FromText(config).value(), weights);
}

std::vector<std::string> Names(const std::vector<TensorSpec>& specs) {
  std::vector<std::string> names;
  for (const TensorSpec& spec : specs) names.push_back(spec.name);
  return names;
}

int CountOf(const Model& model, std::string_view type) {
  int count = 0;
  for (const auto& node : model.graph().node()) count += node.op_type() == type ? 1 : 0;
  return count;
}

class BuildOnnxTest : public ::testing::Test {
 protected:
  void SetUp() override { AddLinear(&shapes_, "classifier", 3, 4); }
  void ExpectRefused(const std::string& config, const std::string& reason, const std::string& words) {
    Status status = Built(config, WeightsOf(shapes_)).status();
    EXPECT_EQ(status.reason(), reason) << config;
    EXPECT_THAT(status.message(), HasSubstr(words));
  }
  Shapes shapes_ = BertShapes("bert.");
};

TEST_F(BuildOnnxTest, NamesAndAxesAreOptimums) {
  Weights weights = WeightsOf(shapes_);
  auto built = Built(BertConfig("BertForSequenceClassification"), weights);
  ASSERT_TRUE(built.ok()) << built.status().message();
  const Model& model = built->model;
  EXPECT_THAT(Names(model.inputs()), ElementsAre("input_ids", "attention_mask", "token_type_ids"));
  EXPECT_THAT(model.inputs()[0].dimension_names, ElementsAre("batch_size", "sequence_length"));
  EXPECT_THAT(Names(model.outputs()), ElementsAre("logits"));
  EXPECT_THAT(model.outputs()[0].shape, ElementsAre(-1, 3));
  EXPECT_EQ(model.opset(), 17);
  EXPECT_THAT(built->notes, IsEmpty());
}

TEST_F(BuildOnnxTest, OperatorsAreInTheFormsThatAreFused) {
  auto built = Built(BertConfig("BertForSequenceClassification"), WeightsOf(shapes_));
  ASSERT_TRUE(built.ok()) << built.status().message();
  EXPECT_EQ(CountOf(built->model, "LayerNormalization"), 3);
  EXPECT_EQ(CountOf(built->model, "MatMul"), 8);  // query, key, value, scores, context, output, up, down
  EXPECT_EQ(CountOf(built->model, "Gemm"), 2);
  EXPECT_EQ(CountOf(built->model, "Erf"), 1);
  for (const auto& node : built->model.graph().node()) {
    if (node.op_type() != "Reshape") continue;
    EXPECT_TRUE(built->model.HasWeight(node.input(1))) << node.name();
  }
}

TEST_F(BuildOnnxTest, MatricesAreTurnedAndEverythingElseIsShared) {
  Shapes shapes = BertShapes("bert.");
  shapes[0].second = {700, 4};  // large enough to be shared
  AddLinear(&shapes, "classifier", 3, 4);
  Weights weights = WeightsOf(shapes);
  auto built = Built(BertConfig("BertForTokenClassification"), weights);
  ASSERT_TRUE(built.ok()) << built.status().message();
  Tensor turned = built->model.Weight("classifier.weight.transposed").value();
  EXPECT_THAT(turned.shape(), ElementsAre(4, 3));
  EXPECT_FLOAT_EQ(turned.values<float>()[1], 0.04f);  // row 1, column 0 of 3x4 by hundredths
  const std::string words = "bert.embeddings.word_embeddings.weight";
  EXPECT_EQ(built->model.Weight(words)->data(), weights.Get(words)->data);
}

TEST_F(BuildOnnxTest, TheMaskedLMsWordsAreTheEmbeddingsUnlessUntied) {
  AddLinear(&shapes_, "cls.predictions.transform.dense", 4, 4);
  AddNorm(&shapes_, "cls.predictions.transform.LayerNorm", 4);
  shapes_.push_back({"cls.predictions.bias", {7}});
  shapes_.push_back({"cls.predictions.decoder.weight", {7, 4}});
  auto tied = Built(BertConfig("BertForMaskedLM"), WeightsOf(shapes_));
  ASSERT_TRUE(tied.ok()) << tied.status().message();
  EXPECT_TRUE(tied->model.HasWeight("bert.embeddings.word_embeddings.weight.transposed"));
  auto untied = Built(BertConfig("BertForMaskedLM", R"(, "tie_word_embeddings": false)"), WeightsOf(shapes_));
  ASSERT_TRUE(untied.ok()) << untied.status().message();
  EXPECT_TRUE(untied->model.HasWeight("cls.predictions.decoder.weight.transposed"));
}

TEST_F(BuildOnnxTest, WeightsWithoutTheHeadMakeTheNetworkAndSaySo) {
  auto built = Built(BertConfig("BertForMaskedLM"), WeightsOf(BertShapes("")));
  ASSERT_TRUE(built.ok()) << built.status().message();
  EXPECT_EQ(built->class_name, "BertModel");
  EXPECT_THAT(Names(built->model.outputs()), ElementsAre("last_hidden_state"));
  EXPECT_THAT(built->notes, ElementsAre(HasSubstr("without the head of BertForMaskedLM: BertModel is built")));
}

TEST_F(BuildOnnxTest, OtherArchitecturesAreRefusedWithAListOfWhatIsSupported) {
  ExpectRefused(
      R"({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]})", "UNSUPPORTED_ARCHITECTURE",
      "'T5ForConditionalGeneration' (model_type 't5') can't be turned into ONNX here; supported are BertModel, "
      "BertForSequenceClassification, ");
  ExpectRefused(R"({"model_type": "t5", "architectures": ["T5Model"]})", "UNSUPPORTED_ARCHITECTURE", "GPT2LMHeadModel");
  ExpectRefused(R"({"model_type": "bert", "architectures": ["BertForPreTraining"]})", "UNSUPPORTED_ARCHITECTURE",
                "BertForPreTraining");
  ExpectRefused("{}", "UNSUPPORTED_ARCHITECTURE", "a model of type ''");
}

TEST_F(BuildOnnxTest, ConfigurationsThatChangeTheFunctionAreRefused) {
  std::string name = "BertForSequenceClassification";
  ExpectRefused(BertConfig(name, R"(, "position_embedding_type": "relative_key")"), "UNSUPPORTED_CONFIG",
                "'position_embedding_type' is 'relative_key', and only 'absolute'");
  ExpectRefused(BertConfig(name, R"(, "is_decoder": true)"), "UNSUPPORTED_CONFIG",
                "'is_decoder' is true, and only false");
  ExpectRefused(BertConfig(name, R"(, "hidden_act": "mish")"), "UNSUPPORTED_CONFIG",
                "activation 'mish' is not one of gelu");
  ExpectRefused(BertConfig(name, R"(, "layer_norm_eps": "x")"), "BAD_CONFIG", "field 'layer_norm_eps' is not a number");
  ExpectRefused(R"({"model_type": "bert", "architectures": ["BertModel"], "num_attention_heads": 3})", "BAD_CONFIG",
                "3 attention heads");
  ExpectRefused(R"({"model_type": "bert", "architectures": ["BertModel"], "num_attention_heads": 0})", "BAD_CONFIG",
                "from 1 on");
}

TEST_F(BuildOnnxTest, WeightsThatAreMissingOrOfAnotherShapeAreNamed) {
  ExpectRefused(
      R"({"model_type": "bert", "architectures": ["BertModel"], "num_hidden_layers": 4611686018427387904, "num_attention_heads": 2})",
      "MISSING_WEIGHT", "no tensor 'bert.encoder.layer.1.attention.self.query.weight'");
  ExpectRefused(BertConfig("BertForQuestionAnswering"), "MISSING_WEIGHT", "'qa_outputs.weight'");
  shapes_[0].second = {7};
  ExpectRefused(BertConfig("BertForMaskedLM"), "MISSING_WEIGHT", "'cls.predictions.transform.dense.weight'");
  ExpectRefused(BertConfig("BertModel"), "BAD_WEIGHTS",
                "'bert.embeddings.word_embeddings.weight' has the shape [7], 2 axes were expected");
}

TEST(ArchitectureTest, EachIsFoundByItsClassesAndNoNameIsTwice) {
  std::set<std::string> types;
  for (const Architecture& architecture : AllArchitectures()) {
    EXPECT_TRUE(types.insert(std::string(architecture.model_type)).second) << architecture.model_type;
    EXPECT_FALSE(architecture.heads.empty());
    EXPECT_TRUE(architecture.base.ends_with("."));
  }
  EXPECT_THAT(SupportedClasses(), HasSubstr("XLMRobertaForMultipleChoice"));
}

}  // namespace
}  // namespace ns
