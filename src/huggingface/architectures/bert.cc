// BERT (MiniLM and many others are BERTs, too). The network: transformers' modeling_bert.py.
#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

Value Embeddings(Build& build, const TextInputs& inputs, float epsilon) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  Value words = net.Embedding(inputs.ids, module + ".word_embeddings");
  Value types = net.Embedding(inputs.types, module + ".token_type_embeddings");
  Value positions = PositionsFromZero(build, inputs.ids, module + ".position_embeddings");
  net.At(module);
  Value sum = net.Op("Add", {net.Op("Add", {words, types}), positions});
  return net.LayerNorm(sum, module + ".LayerNorm", epsilon);
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "cls.predictions.transform.dense"), options.activation);
  x = net.LayerNorm(x, "cls.predictions.transform.LayerNorm", options.epsilon);
  std::string bias = net.Has("cls.predictions.bias") ? "cls.predictions.bias" : "cls.predictions.decoder.bias";
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", bias);
}

void BuildBert(Build& build) {
  EncoderOptions options = ReadEncoderOptions(build);
  TextInputs inputs = OpenText(build, true);
  Value mask = MaskScores(build, inputs.mask);
  Value hidden = BertEncoder(build, Embeddings(build, inputs, options.epsilon), mask, options);
  auto pooled = [&] { return DenseRow(build, FirstToken(build, hidden), build.base + "pooler.dense", "tanh"); };
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
      return OutputHidden(build, hidden, build.net.ShapeOf(build.base + "embeddings.word_embeddings.weight", 2)[1]);
  }
}

}  // namespace

Architecture Bert() {
  return {"bert",
          "Bert",
          "bert.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildBert};
}

}  // namespace ns
