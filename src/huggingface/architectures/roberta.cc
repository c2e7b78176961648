// RoBERTa, XLM-RoBERTa and CamemBERT: one network under three names. transformers' modeling_roberta.py.
#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

Value Embeddings(Build& build, const TextInputs& inputs, float epsilon) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  Value words = net.Embedding(inputs.ids, module + ".word_embeddings");
  Value type = FirstTokenType(build, module + ".token_type_embeddings");
  Value positions =
      PositionsAfterPadding(build, inputs.ids, build.Int("pad_token_id", 1), module + ".position_embeddings");
  net.At(module);
  Value sum = net.Op("Add", {net.Op("Add", {words, type}), positions});
  return net.LayerNorm(sum, module + ".LayerNorm", epsilon);
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "lm_head.dense"), "gelu");  // whatever hidden_act is
  x = net.LayerNorm(x, "lm_head.layer_norm", options.epsilon);
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "lm_head.decoder.weight",
              net.Has("lm_head.bias") ? "lm_head.bias" : "lm_head.decoder.bias");
}

void BuildRoberta(Build& build) {
  EncoderOptions options = ReadEncoderOptions(build);
  TextInputs inputs = OpenText(build, false);
  Value mask = MaskScores(build, inputs.mask);
  Value hidden = BertEncoder(build, Embeddings(build, inputs, options.epsilon), mask, options);
  auto first = [&](const std::string& dense) { return DenseRow(build, FirstToken(build, hidden), dense, "tanh"); };
  switch (build.head) {
    case Head::kSequenceClassification:
      return OutputClasses(build, first("classifier.dense"), "classifier.out_proj");
    case Head::kMultipleChoice:
      return OutputChoices(build, first(build.base + "pooler.dense"), "classifier");
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

Architecture Named(std::string_view model_type, std::string_view class_prefix) {
  return {model_type,
          class_prefix,
          "roberta.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildRoberta};
}

}  // namespace

Architecture Roberta() {
  return Named("roberta", "Roberta");
}
Architecture XlmRoberta() {
  return Named("xlm-roberta", "XLMRoberta");
}
Architecture Camembert() {
  return Named("camembert", "Camembert");
}

}  // namespace ns
