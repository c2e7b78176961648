// ResNet, as transformers has it (modeling_resnet.py): its basic and bottleneck blocks. BatchNormalization stays an
// operator, which our passes fold into the convolution.
#include "huggingface/architectures/architecture.h"

namespace ns {

namespace {

constexpr float kEpsilon = 1e-5f;

// A convolution that keeps the size but for its stride, its normalization, and a function where one is named.
Value ConvLayer(Build& build, const Value& x, const std::string& module, int64_t stride,
                const std::string& activation) {
  NetBuilder& net = build.net;
  Shape kernel = net.ShapeOf(module + ".convolution.weight", 4);
  int64_t high = kernel[2] / 2;
  int64_t wide = kernel[3] / 2;
  net.At(module);
  Value y = net.Op("Conv", {x, net.Weight(module + ".convolution.weight")},
                   {{"kernel_shape", std::vector<int64_t>{kernel[2], kernel[3]}},
                    {"strides", std::vector<int64_t>{stride, stride}},
                    {"pads", std::vector<int64_t>{high, wide, high, wide}}});
  std::string norm = module + ".normalization";
  y = net.Op("BatchNormalization",
             {y, net.Weight(norm + ".weight"), net.Weight(norm + ".bias"), net.Weight(norm + ".running_mean"),
              net.Weight(norm + ".running_var")},
             {{"epsilon", kEpsilon}});
  return activation.empty() ? y : net.Activation(y, activation);
}

struct Options {
  bool bottleneck = true;
  bool stride_first = false;  // of a bottleneck: in its first convolution, else in the second
  std::string activation;
};

Value Block(Build& build, const Value& x, const std::string& module, int64_t stride, const Options& options) {
  NetBuilder& net = build.net;
  auto layer = [&](int i) { return fmt::format("{}.layer.{}", module, i); };
  Value y;
  if (options.bottleneck) {
    y = ConvLayer(build, x, layer(0), options.stride_first ? stride : 1, options.activation);
    y = ConvLayer(build, y, layer(1), options.stride_first ? 1 : stride, options.activation);
    y = ConvLayer(build, y, layer(2), 1, "");
  } else {
    y = ConvLayer(build, x, layer(0), stride, options.activation);
    y = ConvLayer(build, y, layer(1), 1, "");
  }
  std::string shortcut = module + ".shortcut";
  Value beside = net.Has(shortcut + ".convolution.weight") ? ConvLayer(build, x, shortcut, stride, "") : x;
  net.At(module);
  return net.Activation(net.Op("Add", {y, beside}), options.activation);
}

Options ReadOptions(Build& build) {
  std::string type = build.String("layer_type", "bottleneck");
  if (type != "basic") build.Only("layer_type", "bottleneck");
  return {type == "bottleneck", build.Bool("downsample_in_bottleneck", false), build.String("hidden_act", "relu")};
}

void BuildResNet(Build& build) {
  NetBuilder& net = build.net;
  Options options = ReadOptions(build);
  auto depths = build.config.Ints("depths", {3, 4, 6, 3});
  if (!depths.ok()) return net.Fail(depths.status());
  std::string embedder = build.base + "embedder.embedder";
  int64_t channels = net.ShapeOf(embedder + ".convolution.weight", 4)[1];
  Value x = net.Input("pixel_values", DType::kFloat, {"batch_size", channels, "height", "width"});
  x = ConvLayer(build, x, embedder, 2, options.activation);
  net.At(build.base + "embedder.pooler");
  x = net.Op("MaxPool", {x},
             {{"kernel_shape", std::vector<int64_t>{3, 3}},
              {"strides", std::vector<int64_t>{2, 2}},
              {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  bool first_strides = build.Bool("downsample_in_first_stage", false);
  for (size_t stage = 0; stage < depths->size() && net.ok(); ++stage) {
    for (int64_t i = 0; i < (*depths)[stage] && net.ok(); ++i) {
      int64_t stride = i == 0 && (stage > 0 || first_strides) ? 2 : 1;
      x = Block(build, x, fmt::format("{}encoder.stages.{}.layers.{}", build.base, stage, i), stride, options);
    }
  }
  if (build.head == Head::kFeatures)
    return net.Output("last_hidden_state", x, {"batch_size", "features", "rows", "columns"});
  net.At(build.base + "pooler");
  Value pooled = net.Op("Flatten", {net.Op("GlobalAveragePool", {x})}, {{"axis", int64_t{1}}});
  int64_t classes = net.ShapeOf("classifier.1.weight", 2)[0];
  net.Output("logits", net.Gemm(pooled, "classifier.1"), {"batch_size", classes});
}

}  // namespace

Architecture ResNet() {
  return {"resnet", "ResNet", "resnet.", {Head::kFeatures, Head::kImageClassification}, BuildResNet};
}

}  // namespace ns
