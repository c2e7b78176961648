// ViT and DeiT: an encoder of image patches, normalized before each half. transformers' modeling_vit.py and
// modeling_deit.py.
#include <cmath>

#include "huggingface/architectures/text_parts.h"

namespace ns {

namespace {

struct Image {
  Value pixels;
  int64_t channels = 0, height = 0, width = 0;
};

// Images of the one size that the positions were made for.
Image OpenImage(Build& build, const std::string& projection) {
  Shape kernel = build.net.ShapeOf(projection + ".weight", 4);
  auto sizes = build.config.Ints("image_size", {});  // a number, or [height, width]
  Image image;
  image.channels = kernel[1];
  if (sizes.ok() && sizes->size() == 2) {
    image.height = (*sizes)[0];
    image.width = (*sizes)[1];
  } else {
    image.height = image.width = build.Count("image_size", 224);
  }
  image.pixels =
      build.net.Input("pixel_values", DType::kFloat, {"batch_size", image.channels, image.height, image.width});
  return image;
}

// [batch, patches, width], the learned rows before them.
Value Embeddings(Build& build) {
  NetBuilder& net = build.net;
  std::string module = build.base + "embeddings";
  std::string projection = module + ".patch_embeddings.projection";
  Image image = OpenImage(build, projection);
  Shape kernel = net.ShapeOf(projection + ".weight", 4);
  Shape positions = net.ShapeOf(module + ".position_embeddings", 3);
  if (!net.ok()) return "";
  std::vector<std::string> learned = {module + ".cls_token"};
  if (net.Has(module + ".distillation_token")) learned.push_back(module + ".distillation_token");
  int64_t patches = kernel[2] > 0 && kernel[3] > 0 ? image.height / kernel[2] * (image.width / kernel[3]) : 0;
  if (patches + static_cast<int64_t>(learned.size()) != positions[1]) {
    net.Fail(InvalidArgument(
        fmt::format("config.json: an image of {}x{} has {} patches, the weights have positions for {}", image.height,
                    image.width, patches, positions[1] - static_cast<int64_t>(learned.size())),
        "BAD_CONFIG"));
  }
  net.At(projection);
  Value grid = net.Op("Conv", {image.pixels, net.Weight(projection + ".weight"), net.Weight(projection + ".bias")},
                      {{"kernel_shape", std::vector<int64_t>{kernel[2], kernel[3]}},
                       {"strides", std::vector<int64_t>{kernel[2], kernel[3]}}});
  Value rows = net.Op("Transpose", {net.Op("Reshape", {grid, net.Ints({0, kernel[0], -1})})},
                      {{"perm", std::vector<int64_t>{0, 2, 1}}});
  net.At(module);
  Value batch = net.Op("Shape", {image.pixels}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
  Value one_each = net.Op("Concat", {batch, net.Ints({1, 1})}, {{"axis", int64_t{0}}});
  std::vector<Value> parts;
  for (const std::string& token : learned) parts.push_back(net.Op("Expand", {net.Weight(token), one_each}));
  parts.push_back(rows);
  return net.Op("Add", {net.Op("Concat", parts, {{"axis", int64_t{1}}}), net.Weight(module + ".position_embeddings")});
}

Value Layer(Build& build, const Value& x, const std::string& layer, const EncoderOptions& options) {
  NetBuilder& net = build.net;
  std::string module = layer + ".attention.attention";
  int64_t width = net.ShapeOf(module + ".query.weight", 2)[0];
  Value before = net.LayerNorm(x, layer + ".layernorm_before", options.epsilon);
  Value q = net.Linear(before, module + ".query");
  Value k = net.Linear(before, module + ".key");
  Value v = net.Linear(before, module + ".value");
  Value context = Attention(build, q, k, v, options.heads, width, "", module);
  Value middle = net.Op("Add", {net.Linear(context, layer + ".attention.output.dense"), x});
  Value after = net.LayerNorm(middle, layer + ".layernorm_after", options.epsilon);
  Value up = net.Activation(net.Linear(after, layer + ".intermediate.dense"), options.activation);
  return net.Op("Add", {net.Linear(up, layer + ".output.dense"), middle});
}

Value Row(Build& build, const Value& hidden, const char* name, int64_t index) {
  Value which = build.net.Constant(name, Tensor::From<int64_t>({}, {index}));
  return build.net.Op("Gather", {hidden, which}, {{"axis", int64_t{1}}});
}

// The mean of what the class's row and the teacher's row say.
void OutputTaught(Build& build, const Value& hidden) {
  NetBuilder& net = build.net;
  int64_t classes = net.ShapeOf("cls_classifier.weight", 2)[0];
  Value own = net.Gemm(Row(build, hidden, "first", 0), "cls_classifier");
  Value taught = net.Gemm(Row(build, hidden, "second", 1), "distillation_classifier");
  net.At("");
  net.Output("logits", net.Op("Div", {net.Op("Add", {own, taught}), net.Number(2)}), {"batch_size", classes});
}

void BuildVit(Build& build) {
  NetBuilder& net = build.net;
  EncoderOptions options = ReadEncoderOptions(build);
  Value x = Embeddings(build);
  for (int64_t i = 0; i < options.layers && net.ok(); ++i) {
    x = Layer(build, x, fmt::format("{}encoder.layer.{}", build.base, i), options);
  }
  Value hidden = net.LayerNorm(x, build.base + "layernorm", options.epsilon);
  if (build.head == Head::kImageClassification) {
    return OutputClasses(build, Row(build, hidden, "first", 0), "classifier");
  }
  if (build.head == Head::kTaughtImageClassification) return OutputTaught(build, hidden);
  Shape positions = net.ShapeOf(build.base + "embeddings.position_embeddings", 3);
  net.Output("last_hidden_state", hidden, {"batch_size", positions[1], positions[2]});
}

}  // namespace

Architecture Vit() {
  return {"vit", "ViT", "vit.", {Head::kFeatures, Head::kImageClassification}, BuildVit};
}

Architecture Deit() {
  return {"deit",
          "DeiT",
          "deit.",
          {Head::kFeatures, Head::kImageClassification, Head::kTaughtImageClassification},
          BuildVit};
}

}  // namespace ns
