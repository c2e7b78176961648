// ELECTRA: BERT's encoder behind embeddings that may be narrower, with heads of its own. transformers'
// modeling_electra.py.
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
  Value x = net.LayerNorm(sum, module + ".LayerNorm", epsilon);
  std::string widen = build.base + "embeddings_project";
  return net.Has(widen + ".weight") ? net.Linear(x, widen) : x;
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "generator_predictions.dense"), "gelu");  // whatever hidden_act is
  x = net.LayerNorm(x, "generator_predictions.LayerNorm", options.epsilon);
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "generator_lm_head.weight",
              "generator_lm_head.bias");
}

// transformers' SequenceSummary, of the first token.
Value Summary(Build& build, const Value& hidden) {
  build.Only("summary_type", "first");
  build.Only("summary_use_proj", true);
  return DenseRow(build, FirstToken(build, hidden), "sequence_summary.summary",
                  build.String("summary_activation", "gelu"));
}

void BuildElectra(Build& build) {
  EncoderOptions options = ReadEncoderOptions(build, 4);
  TextInputs inputs = OpenText(build, true);
  Value mask = MaskScores(build, inputs.mask);
  Value hidden = BertEncoder(build, Embeddings(build, inputs, options.epsilon), mask, options);
  switch (build.head) {
    case Head::kSequenceClassification:
      return OutputClasses(build, DenseRow(build, FirstToken(build, hidden), "classifier.dense", "gelu"),
                           "classifier.out_proj");
    case Head::kMultipleChoice:
      return OutputChoices(build, Summary(build, hidden), "classifier");
    case Head::kTokenClassification:
      return OutputTokens(build, hidden, "classifier");
    case Head::kQuestionAnswering:
      return OutputSpan(build, hidden, "qa_outputs");
    case Head::kMaskedLM:
      return MaskedLM(build, hidden, options);
    default: {
      std::string query = build.base + "encoder.layer.0.attention.self.query.weight";
      return OutputHidden(build, hidden, build.net.ShapeOf(query, 2)[0]);
    }
  }
}

}  // namespace

Architecture Electra() {
  return {"electra",
          "Electra",
          "electra.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildElectra};
}

}  // namespace ns
