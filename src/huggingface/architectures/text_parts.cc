#include "huggingface/architectures/text_parts.h"

#include <cmath>

namespace ns {

namespace {

constexpr float kMasked = -10000;  // e^-10000 is 0, and integers can still hold it beside the scores

}  // namespace

TextInputs OpenText(Build& build, bool token_types) {
  NetBuilder& net = build.net;
  bool choices = build.head == Head::kMultipleChoice;
  auto open = [&](const char* name) {
    std::vector<NetBuilder::Dim> dims = {"batch_size", "sequence_length"};
    if (choices) dims.insert(dims.begin() + 1, "num_choices");
    Value input = net.Input(name, DType::kInt64, dims);
    return choices ? net.Op("Flatten", {input}, {{"axis", int64_t{2}}}) : input;
  };
  TextInputs inputs;
  inputs.ids = open("input_ids");
  inputs.mask = open("attention_mask");
  if (token_types) inputs.types = open("token_type_ids");
  return inputs;
}

Value MaskScores(Build& build, const Value& mask) {
  NetBuilder& net = build.net;
  net.At("attention_mask");
  Value wide = net.Op("Unsqueeze", {net.Op("Unsqueeze", {mask, net.Ints({1})}), net.Ints({2})});
  Value seen = net.Op("Cast", {wide}, {{"to", static_cast<int64_t>(DType::kFloat)}});
  return net.Op("Mul", {net.Op("Sub", {net.Number(1), seen}), net.Number(kMasked)});
}

// Counted by operators that keep the ids' shape: where ONNX Runtime loses sight of it, it fuses less behind.
Value PositionsFromZero(Build& build, const Value& ids, const std::string& module) {
  NetBuilder& net = build.net;
  net.At(module);
  net.ShapeOf(module + ".weight", 2);
  Value ones = net.Op("Add", {net.Op("Sub", {ids, ids}), net.Constant("one", Tensor::From<int64_t>({}, {1}))});
  Value axis = net.Constant("sequence_axis", Tensor::From<int64_t>({}, {1}));
  return net.Embedding(net.Op("CumSum", {ones, axis}, {{"exclusive", int64_t{1}}}), module);
}

Value PositionsAfterPadding(Build& build, const Value& ids, int64_t padding, const std::string& module) {
  NetBuilder& net = build.net;
  net.At(module);
  net.ShapeOf(module + ".weight", 2);
  Value pad = net.Constant("padding_id", Tensor::From<int64_t>({}, {padding}));
  Value axis = net.Constant("sequence_axis", Tensor::From<int64_t>({}, {1}));
  Value is_token =
      net.Op("Cast", {net.Op("Not", {net.Op("Equal", {ids, pad})})}, {{"to", static_cast<int64_t>(DType::kInt64)}});
  Value counted = net.Op("Mul", {net.Op("CumSum", {is_token, axis}), is_token});
  return net.Embedding(net.Op("Add", {counted, pad}), module);
}

Value FirstTokenType(Build& build, const std::string& module) {
  NetBuilder& net = build.net;
  net.At(module);
  net.ShapeOf(module + ".weight", 2);
  Value zero = net.Constant("first", Tensor::From<int64_t>({}, {0}));
  return net.Op("Gather", {net.Weight(module + ".weight"), zero}, {{"axis", int64_t{0}}});
}

EncoderOptions ReadEncoderOptions(Build& build, int64_t heads, std::string_view activation) {
  build.Only("position_embedding_type", "absolute");
  build.Only("is_decoder", false);
  build.Only("add_cross_attention", false);
  EncoderOptions options;
  options.layers = build.Int("num_hidden_layers", 12);
  options.heads = build.Count("num_attention_heads", heads);
  options.activation = build.String("hidden_act", activation);
  options.epsilon = build.Float("layer_norm_eps", 1e-12);
  return options;
}

Value Attention(Build& build, const Value& q, const Value& k, const Value& v, int64_t heads, int64_t width,
                const Value& bias, const std::string& module, float divisor) {
  NetBuilder& net = build.net;
  net.At(module);
  if (width % heads != 0) {
    net.Fail(InvalidArgument(
        fmt::format("config.json: {} columns can't be shared among {} attention heads", width, heads), "BAD_CONFIG"));
  }
  Value split = net.Ints({0, 0, heads, width / heads});
  auto turn = [&](const Value& x, std::vector<int64_t> axes) {
    return net.Op("Transpose", {net.Op("Reshape", {x, split})}, {{"perm", std::move(axes)}});
  };
  Value queries = turn(q, {0, 2, 1, 3});
  Value keys = turn(k, {0, 2, 3, 1});
  Value values = turn(v, {0, 2, 1, 3});
  Value scores = net.Op("MatMul", {queries, keys});
  if (divisor != 1) scores = net.Op("Div", {scores, net.Number(divisor)});
  if (!bias.empty()) scores = net.Op("Add", {scores, bias});
  Value weights = net.Op("Softmax", {scores}, {{"axis", int64_t{-1}}});
  Value context =
      net.Op("Transpose", {net.Op("MatMul", {weights, values})}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  return net.Op("Reshape", {context, net.Ints({0, 0, width})});
}

Value Attention(Build& build, const Value& q, const Value& k, const Value& v, int64_t heads, int64_t width,
                const Value& bias, const std::string& module) {
  float divisor = std::sqrt(static_cast<float>(width / heads));
  return Attention(build, q, k, v, heads, width, bias, module, divisor);
}

LayerNames BertLayer(const std::string& layer) {
  return {.attention = layer + ".attention.self",
          .query = layer + ".attention.self.query",
          .key = layer + ".attention.self.key",
          .value = layer + ".attention.self.value",
          .attention_output = layer + ".attention.output.dense",
          .attention_norm = layer + ".attention.output.LayerNorm",
          .up = layer + ".intermediate.dense",
          .down = layer + ".output.dense",
          .output_norm = layer + ".output.LayerNorm"};
}

Value EncoderLayer(Build& build, const Value& x, const Value& bias, const LayerNames& names,
                   const EncoderOptions& options) {
  NetBuilder& net = build.net;
  int64_t width = net.ShapeOf(names.query + ".weight", 2)[0];
  Value q = net.Linear(x, names.query);
  Value k = net.Linear(x, names.key);
  Value v = net.Linear(x, names.value);
  Value context = Attention(build, q, k, v, options.heads, width, bias, names.attention);
  Value attended = net.Op("Add", {net.Linear(context, names.attention_output), x});
  Value middle = net.LayerNorm(attended, names.attention_norm, options.epsilon);
  Value up = net.Activation(net.Linear(middle, names.up), options.activation);
  return net.LayerNorm(net.Op("Add", {net.Linear(up, names.down), middle}), names.output_norm, options.epsilon);
}

Value BertEncoder(Build& build, Value x, const Value& bias, const EncoderOptions& options) {
  for (int64_t i = 0; i < options.layers && build.net.ok(); ++i) {
    x = EncoderLayer(build, x, bias, BertLayer(fmt::format("{}encoder.layer.{}", build.base, i)), options);
  }
  return x;
}

Value FirstToken(Build& build, const Value& hidden) {
  build.net.At("first_token");
  Value zero = build.net.Constant("first", Tensor::From<int64_t>({}, {0}));
  return build.net.Op("Gather", {hidden, zero}, {{"axis", int64_t{1}}});
}

Value DenseRow(Build& build, const Value& row, const std::string& module, const std::string& activation) {
  return build.net.Activation(build.net.Gemm(row, module), activation);
}

void OutputHidden(Build& build, const Value& hidden, int64_t width) {
  build.net.Output("last_hidden_state", hidden, {"batch_size", "sequence_length", width});
}

void OutputClasses(Build& build, const Value& row, const std::string& module) {
  int64_t classes = build.net.ShapeOf(module + ".weight", 2)[0];
  build.net.Output("logits", build.net.Gemm(row, module), {"batch_size", classes});
}

void OutputChoices(Build& build, const Value& row, const std::string& module) {
  NetBuilder& net = build.net;
  Value score = net.Gemm(row, module);
  Value shape = net.Op("Shape", {"input_ids"}, {{"start", int64_t{0}}, {"end", int64_t{2}}});
  net.Output("logits", net.Op("Reshape", {score, shape}), {"batch_size", "num_choices"});
}

void OutputTokens(Build& build, const Value& hidden, const std::string& module) {
  int64_t classes = build.net.ShapeOf(module + ".weight", 2)[0];
  build.net.Output("logits", build.net.Linear(hidden, module), {"batch_size", "sequence_length", classes});
}

void OutputSpan(Build& build, const Value& hidden, const std::string& module) {
  NetBuilder& net = build.net;
  Value both = net.Linear(hidden, module);
  std::vector<Value> ends = net.Ops("Split", {both}, 2, {{"axis", int64_t{-1}}});
  net.Output("start_logits", net.Op("Squeeze", {ends[0], net.Ints({-1})}), {"batch_size", "sequence_length"});
  net.Output("end_logits", net.Op("Squeeze", {ends[1], net.Ints({-1})}), {"batch_size", "sequence_length"});
}

void OutputWords(Build& build, const Value& x, const std::string& embedding, const std::string& decoder,
                 const std::string& bias) {
  NetBuilder& net = build.net;
  bool tied = build.Bool("tie_word_embeddings", true) || !net.Has(decoder);
  const std::string& weight = tied ? embedding : decoder;
  int64_t words = net.ShapeOf(weight, 2)[0];
  net.At("lm_head");
  net.Output("logits", net.Linear(x, weight, bias), {"batch_size", "sequence_length", words});
}

}  // namespace ns
