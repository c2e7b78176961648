// ALBERT: groups of layers that are gone through several times, embeddings narrower than the layers. transformers'
// modeling_albert.py.
#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

LayerNames Layer(const std::string& layer) {
  return {.attention = layer + ".attention",
          .query = layer + ".attention.query",
          .key = layer + ".attention.key",
          .value = layer + ".attention.value",
          .attention_output = layer + ".attention.dense",
          .attention_norm = layer + ".attention.LayerNorm",
          .up = layer + ".ffn",
          .down = layer + ".ffn_output",
          .output_norm = layer + ".full_layer_layer_norm"};
}

Value Embeddings(Build& build, const TextInputs& inputs, float epsilon) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  Value words = net.Embedding(inputs.ids, module + ".word_embeddings");
  Value types = net.Embedding(inputs.types, module + ".token_type_embeddings");
  Value positions = PositionsFromZero(build, inputs.ids, module + ".position_embeddings");
  net.At(module);
  Value sum = net.Op("Add", {net.Op("Add", {words, types}), positions});
  Value x = net.LayerNorm(sum, module + ".LayerNorm", epsilon);
  return net.Linear(x, build.base + "encoder.embedding_hidden_mapping_in");
}

// Layer i is of group ⌊i / (layers / groups)⌋, and each layer goes through all of its group's inner ones.
Value Encoder(Build& build, Value x, const Value& mask, const EncoderOptions& options) {
  int64_t groups = build.Count("num_hidden_groups", 1);
  int64_t inner = build.Count("inner_group_num", 1);
  for (int64_t i = 0; i < options.layers && build.net.ok(); ++i) {
    auto group = static_cast<int64_t>(static_cast<double>(i) /
                                      (static_cast<double>(options.layers) / static_cast<double>(groups)));
    for (int64_t j = 0; j < inner && build.net.ok(); ++j) {
      std::string layer = fmt::format("{}encoder.albert_layer_groups.{}.albert_layers.{}", build.base, group, j);
      x = EncoderLayer(build, x, mask, Layer(layer), options);
    }
  }
  return x;
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "predictions.dense"), options.activation);
  x = net.LayerNorm(x, "predictions.LayerNorm", options.epsilon);
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "predictions.decoder.weight",
              net.Has("predictions.bias") ? "predictions.bias" : "predictions.decoder.bias");
}

void BuildAlbert(Build& build) {
  EncoderOptions options = ReadEncoderOptions(build, 64, "gelu_new");
  TextInputs inputs = OpenText(build, true);
  Value mask = MaskScores(build, inputs.mask);
  Value hidden = Encoder(build, Embeddings(build, inputs, options.epsilon), mask, options);
  auto pooled = [&] { return DenseRow(build, FirstToken(build, hidden), build.base + "pooler", "tanh"); };
  switch (build.head) {
    case Head::kSequenceClassification:
      return OutputClasses(build, pooled(), "classifier");
    case Head::kMultipleChoice:
      return OutputChoices(build, pooled(), "classifier");
    case Head::kTokenClassification:
      return OutputTokens(build, hidden, "classifier");
    case Head::kQuestionAnswering:
      return OutputSpan(build, hidden, "qa_outputs");
    case Head::kMaskedLM:
      return MaskedLM(build, hidden, options);
    default:
      return OutputHidden(build, hidden,
                          build.net.ShapeOf(build.base + "encoder.embedding_hidden_mapping_in.weight", 2)[0]);
  }
}

}  // namespace

Architecture Albert() {
  return {"albert",
          "Albert",
          "albert.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildAlbert};
}

}  // namespace ns
