// DistilBERT: BERT's layers under other names, without token types. transformers' modeling_distilbert.py.
#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

constexpr float kEpsilon = 1e-12f;

EncoderOptions ReadOptions(Build& build) {
  EncoderOptions options;
  options.layers = build.Int("n_layers", 6);
  options.heads = build.Count("n_heads", 12);
  options.activation = build.String("activation", "gelu");
  options.epsilon = kEpsilon;
  return options;
}

LayerNames Layer(const std::string& layer) {
  return {.attention = layer + ".attention",
          .query = layer + ".attention.q_lin",
          .key = layer + ".attention.k_lin",
          .value = layer + ".attention.v_lin",
          .attention_output = layer + ".attention.out_lin",
          .attention_norm = layer + ".sa_layer_norm",
          .up = layer + ".ffn.lin1",
          .down = layer + ".ffn.lin2",
          .output_norm = layer + ".output_layer_norm"};
}

Value Embeddings(Build& build, const Value& ids) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  Value words = net.Embedding(ids, module + ".word_embeddings");
  Value positions = PositionsFromZero(build, ids, module + ".position_embeddings");
  net.At(module);
  return net.LayerNorm(net.Op("Add", {words, positions}), module + ".LayerNorm", kEpsilon);
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "vocab_transform"), options.activation);
  x = net.LayerNorm(x, "vocab_layer_norm", kEpsilon);
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "vocab_projector.weight",
              "vocab_projector.bias");
}

void BuildDistilBert(Build& build) {
  EncoderOptions options = ReadOptions(build);
  TextInputs inputs = OpenText(build, false);
  Value mask = MaskScores(build, inputs.mask);
  Value hidden = Embeddings(build, inputs.ids);
  for (int64_t i = 0; i < options.layers && build.net.ok(); ++i) {
    hidden = EncoderLayer(build, hidden, mask, Layer(fmt::format("{}transformer.layer.{}", build.base, i)), options);
  }
  auto first = [&] { return DenseRow(build, FirstToken(build, hidden), "pre_classifier", "relu"); };
  switch (build.head) {
    case Head::kSequenceClassification:
      return OutputClasses(build, first(), "classifier");
    case Head::kMultipleChoice:
      return OutputChoices(build, first(), "classifier");
    case Head::kTokenClassification:
      return OutputTokens(build, hidden, "classifier");
    case Head::kQuestionAnswering:
      return OutputSpan(build, hidden, "qa_outputs");
    case Head::kMaskedLM:
      return MaskedLM(build, hidden, options);
    default:
      return OutputHidden(build, hidden, build.net.ShapeOf(build.base + "embeddings.word_embeddings.weight", 2)[1]);
  }
}

}  // namespace

Architecture DistilBert() {
  return {"distilbert",
          "DistilBert",
          "distilbert.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildDistilBert};
}

}  // namespace ns
