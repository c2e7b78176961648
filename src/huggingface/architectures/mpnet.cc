// MPNet: BERT's layers under other names, with a bias by distance in the attention. transformers' modeling_mpnet.py.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

constexpr int64_t kPadding = 1;  // of the positions, whatever pad_token_id is

LayerNames Layer(const std::string& layer) {
  return {.attention = layer + ".attention.attn",
          .query = layer + ".attention.attn.q",
          .key = layer + ".attention.attn.k",
          .value = layer + ".attention.attn.v",
          .attention_output = layer + ".attention.attn.o",
          .attention_norm = layer + ".attention.LayerNorm",
          .up = layer + ".intermediate.dense",
          .down = layer + ".output.dense",
          .output_norm = layer + ".output.LayerNorm"};
}

// Which row of the table a distance (key's place - query's place) takes: near ones one each, far ones by the logarithm,
// up to 128. In float, as PyTorch does.
int64_t Bucket(int64_t distance, int64_t buckets) {
  int64_t half = buckets / 2;
  int64_t side = distance > 0 ? half : 0;
  int64_t n = std::abs(distance);
  int64_t exact = half / 2;
  if (n < exact) return side + n;
  float ratio = std::log(static_cast<float>(n) / static_cast<float>(exact));
  auto span = static_cast<float>(std::log(128.0 / static_cast<double>(exact)));
  int64_t large = exact + static_cast<int64_t>(ratio / span * static_cast<float>(half - exact));
  return side + std::min(large, half - 1);
}

// The table's rows by distance: row `reach` - 1 + d for the distance d. [2 · reach - 1, heads].
Value BiasByDistance(Build& build, const std::string& weight, int64_t reach) {
  NetBuilder& net = build.net;
  Value table = net.Weight(weight);
  Shape shape = net.ShapeOf(weight, 2);
  if (!net.ok()) return "";
  int64_t buckets = build.Count("relative_attention_num_buckets", 32);
  if (buckets < 4 || shape[0] != buckets) {
    net.Fail(InvalidArgument(
        fmt::format("tensor '{}' has the shape {}, {} rows were expected", weight, ShapeToString(shape), buckets),
        "BAD_WEIGHTS"));
    return "";
  }
  std::vector<int64_t> rows;
  for (int64_t distance = 1 - reach; distance < reach; ++distance) rows.push_back(Bucket(distance, buckets));
  auto count = static_cast<int64_t>(rows.size());
  Value by_distance =
      net.Constant("bucket_of_distance", Tensor::From<int64_t>({count}, std::span<const int64_t>(rows)));
  return net.Op("Gather", {table, by_distance}, {{"axis", int64_t{0}}});
}

// [heads, sequence, sequence], to be added to the scores.
Value PositionBias(Build& build, const Value& ids) {
  NetBuilder& net = build.net;
  std::string module = build.base + "encoder.relative_attention_bias";
  int64_t reach = net.ShapeOf(build.base + "embeddings.position_embeddings.weight", 2)[0];
  net.At(module);
  Value by_distance = BiasByDistance(build, module + ".weight", reach);
  auto scalar = [&](const char* name, int64_t value) { return net.Constant(name, Tensor::From<int64_t>({}, {value})); };
  Value size = net.Op("Shape", {ids}, {{"start", int64_t{1}}, {"end", int64_t{2}}});
  Value places = net.Op("Range", {scalar("first", 0), net.Op("Squeeze", {size}), scalar("step", 1)});
  Value keys = net.Op("Unsqueeze", {net.Op("Add", {places, scalar("reach", reach - 1)}), net.Ints({0})});
  Value distances = net.Op("Sub", {keys, net.Op("Unsqueeze", {places, net.Ints({1})})});
  Value bias = net.Op("Gather", {by_distance, distances}, {{"axis", int64_t{0}}});
  return net.Op("Transpose", {bias}, {{"perm", std::vector<int64_t>{2, 0, 1}}});
}

Value Embeddings(Build& build, const Value& ids, float epsilon) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  Value words = net.Embedding(ids, module + ".word_embeddings");
  Value positions = PositionsAfterPadding(build, ids, kPadding, module + ".position_embeddings");
  net.At(module);
  return net.LayerNorm(net.Op("Add", {words, positions}), module + ".LayerNorm", epsilon);
}

void MaskedLM(Build& build, const Value& hidden, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  Value x = net.Activation(net.Linear(hidden, "lm_head.dense"), "gelu");  // whatever hidden_act is
  x = net.LayerNorm(x, "lm_head.layer_norm", options.epsilon);
  OutputWords(build, x, build.base + "embeddings.word_embeddings.weight", "lm_head.decoder.weight",
              net.Has("lm_head.bias") ? "lm_head.bias" : "lm_head.decoder.bias");
}

void BuildMpNet(Build& build) {
  EncoderOptions options = ReadEncoderOptions(build);
  TextInputs inputs = OpenText(build, false);
  Value hidden = Embeddings(build, inputs.ids, options.epsilon);
  Value bias = build.net.Op("Add", {PositionBias(build, inputs.ids), MaskScores(build, inputs.mask)});
  for (int64_t i = 0; i < options.layers && build.net.ok(); ++i) {
    hidden = EncoderLayer(build, hidden, bias, Layer(fmt::format("{}encoder.layer.{}", build.base, i)), options);
  }
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

}  // namespace

Architecture MpNet() {
  return {"mpnet",
          "MPNet",
          "mpnet.",
          {Head::kFeatures, Head::kSequenceClassification, Head::kTokenClassification, Head::kMultipleChoice,
           Head::kQuestionAnswering, Head::kMaskedLM},
          BuildMpNet};
}

}  // namespace ns
