// GPT-2, a whole sequence at once: no cache of earlier keys and values. transformers' modeling_gpt2.py.
#include <cmath>

#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

constexpr float kMasked = -10000;

// What keeps a token from those behind it and from padding: [batch, 1, sequence, sequence].
Value CausalMask(Build& build, const TextInputs& inputs) {
  NetBuilder& net = build.net;
  Value padding = MaskScores(build, inputs.mask);
  net.At("causal_mask");
  Value size = net.Op("Shape", {inputs.ids}, {{"start", int64_t{1}}, {"end", int64_t{2}}});
  Value square = net.Op("Concat", {size, size}, {{"axis", int64_t{0}}});
  Value filled = net.Op("Expand", {net.Number(kMasked), square});
  Value above = net.Constant("above_diagonal", Tensor::From<int64_t>({}, {1}));
  return net.Op("Add", {net.Op("Trilu", {filled, above}, {{"upper", int64_t{1}}}), padding});
}

struct Options {
  int64_t layers = 0, heads = 0;
  std::string activation;
  float epsilon = 0;
  bool scale = true, scale_by_layer = false;
};

Options ReadOptions(Build& build) {
  build.Only("add_cross_attention", false);
  Options options;
  options.layers = build.Int("n_layer", 12);
  options.heads = build.Count("n_head", 12);
  options.activation = build.String("activation_function", "gelu_new");
  options.epsilon = build.Float("layer_norm_epsilon", 1e-5);
  options.scale = build.Bool("scale_attn_weights", true);
  options.scale_by_layer = build.Bool("scale_attn_by_inverse_layer_idx", false);
  return options;
}

Value Layer(Build& build, const Value& x, const Value& mask, int64_t index, const Options& options) {
  NetBuilder& net = build.net;
  std::string layer = fmt::format("{}h.{}", build.base, index);
  int64_t width = net.ShapeOf(layer + ".attn.c_proj.weight", 2)[0];
  Value all = net.Conv1D(net.LayerNorm(x, layer + ".ln_1", options.epsilon), layer + ".attn.c_attn");
  std::vector<Value> parts = net.Ops("Split", {all}, 3, {{"axis", int64_t{2}}});
  float divisor = options.scale ? std::sqrt(static_cast<float>(width / options.heads)) : 1;
  if (options.scale_by_layer) divisor *= static_cast<float>(index + 1);
  Value context = Attention(build, parts[0], parts[1], parts[2], options.heads, width, mask, layer + ".attn", divisor);
  Value middle = net.Op("Add", {net.Conv1D(context, layer + ".attn.c_proj"), x});
  Value up = net.Conv1D(net.LayerNorm(middle, layer + ".ln_2", options.epsilon), layer + ".mlp.c_fc");
  return net.Op("Add", {net.Conv1D(net.Activation(up, options.activation), layer + ".mlp.c_proj"), middle});
}

void BuildGpt2(Build& build) {
  NetBuilder& net = build.net;
  Options options = ReadOptions(build);
  TextInputs inputs = OpenText(build, false);
  Value words = net.Embedding(inputs.ids, build.base + "wte");
  Value x = net.Op("Add", {words, PositionsFromZero(build, inputs.ids, build.base + "wpe")});
  Value mask = CausalMask(build, inputs);
  for (int64_t i = 0; i < options.layers && net.ok(); ++i) x = Layer(build, x, mask, i, options);
  Value hidden = net.LayerNorm(x, build.base + "ln_f", options.epsilon);
  if (build.head == Head::kCausalLM) return OutputWords(build, hidden, build.base + "wte.weight", "lm_head.weight", "");
  OutputHidden(build, hidden, net.ShapeOf(build.base + "wte.weight", 2)[1]);
}

}  // namespace

Architecture Gpt2() {
  return {"gpt2", "GPT2", "transformer.", {Head::kFeatures, Head::kCausalLM}, BuildGpt2};
}

}  // namespace ns
