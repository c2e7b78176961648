// Writes the hard cases of quantization (src/quantize/testing/hard_cases.h), each as a model beside the files of the example that it was
// made of, and prints what quantization as it comes and with each recipe makes of their accuracy, and what clipping adds to a recipe.
//
//   hard_cases EXAMPLES OUT
//
// OUT/activation-outliers and OUT/text-classification: model.onnx, tokenizer and rows of the text example; OUT/rescaled-channels, OUT/unused-plane,
// OUT/float-only and OUT/image-classification: model.onnx and rows of the image example.
#include <fmt/format.h>

#include <filesystem>
#include <numeric>

#include "quantize/output_probe.h"
#include "quantize/prepare.h"
#include "quantize/quantizer.h"
#include "quantize/recipes/equalize.h"
#include "quantize/recipes/smooth_quant.h"
#include "quantize/testing/examples.h"
#include "quantize/testing/hard_cases.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

struct Form {
  const char* name;
  QuantConfig config;
};

std::vector<Form> Forms() {
  auto form = [](OpMode mode, bool smooth, bool equalize, bool correct, bool per_channel = true,
                 CalibrationMethod method = CalibrationMethod::kMinMax) {
    QuantConfig config = DefaultConfig(mode);
    if (smooth) config.smooth_quant = SmoothQuantConfig{};
    config.equalize = equalize;
    config.bias_correction = correct;
    config.defaults.per_channel = per_channel;
    config.defaults.calibration = method;
    return config;
  };
  return {{"static", form(OpMode::kStatic, false, false, false)},
          {"static, mse", form(OpMode::kStatic, false, false, false, true, CalibrationMethod::kMse)},
          {"static, percentile", form(OpMode::kStatic, false, false, false, true, CalibrationMethod::kPercentile)},
          {"static, per tensor", form(OpMode::kStatic, false, false, false, false)},
          {"static, per tensor, bias corrected", form(OpMode::kStatic, false, false, true, false)},
          {"static, bias corrected", form(OpMode::kStatic, false, false, true)},
          {"static, SmoothQuant 0.5", form(OpMode::kStatic, true, false, false)},
          {"static, equalized", form(OpMode::kStatic, false, true, false)},
          {"static, equalized, per tensor", form(OpMode::kStatic, false, true, false, false)},
          {"static, equalized, per tensor, bias corrected", form(OpMode::kStatic, false, true, true, false)},
          {"dynamic", form(OpMode::kDynamic, false, false, false)},
          {"dynamic, SmoothQuant 0.5", form(OpMode::kDynamic, true, false, false)}};
}

std::vector<int64_t> AllRows(const DataSet& data) {
  std::vector<int64_t> rows(static_cast<size_t>(data.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Result<Quantizer> Calibrated(Model prepared, const Example& example) {
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(Quantizer quantizer, Quantizer::Create(std::move(prepared)));
  CalibrationOptions options;
  options.methods = {CalibrationMethod::kMse};  // its histograms serve all methods
  options.channels = true;
  options.threads = 2;
  NS_RETURN_IF_ERROR(quantizer.Calibrate(*example.calibration, AllRows(*example.calibration), options, progress, {}));
  return quantizer;
}

// What a recipe makes of the model in float.
Result<Model> Rewritten(const Quantizer& quantizer, const QuantConfig& config) {
  RewrittenModel rewritten{quantizer.prepared().Clone(), {}, {}};
  if (config.equalize) {
    NS_RETURN_IF_ERROR(EqualizeLayers(&rewritten).status());
    return std::move(rewritten.model);
  }
  NS_ASSIGN_OR_RETURN(QuantFacts facts, quantizer.Facts(config));
  NS_RETURN_IF_ERROR(SmoothActivations(config, {}, &facts.smooth_factors, &rewritten).status());
  return std::move(rewritten.model);
}

// Values that a recipe rescales have the range of all that was seen, whatever the method: beside that, what a calibration of the rewritten model
// gives, which takes a pass for each recipe and alpha.
Status ShowClipping(const Quantizer& quantizer, const Example& example) {
  NullProgress progress;
  std::vector<int64_t> rows = AllRows(*example.evaluation);
  rows.resize(std::min<size_t>(rows.size(), 256));
  NS_ASSIGN_OR_RETURN(OutputProbe probe, OutputProbe::Create(quantizer, *example.evaluation, rows, 2, progress, {}));
  for (bool equalize : {false, true}) {
    QuantConfig config = DefaultConfig(OpMode::kStatic), plain = config;
    config.equalize = equalize;
    if (!equalize) config.smooth_quant.emplace();
    NS_ASSIGN_OR_RETURN(Model rewritten, Rewritten(quantizer, config));
    NS_ASSIGN_OR_RETURN(Quantizer own, Calibrated(std::move(rewritten), example));
    NS_ASSIGN_OR_RETURN(OutputProbe own_probe, OutputProbe::Create(own, *example.evaluation, rows, 2, progress, {}));
    std::string line;
    for (CalibrationMethod method : {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kEntropy, CalibrationMethod::kMse}) {
      config.defaults.calibration = plain.defaults.calibration = method;
      NS_ASSIGN_OR_RETURN(double all_seen, probe.Sqnr(config, {}));
      NS_ASSIGN_OR_RETURN(double by_method, own_probe.Sqnr(plain, {}));
      line += fmt::format("  {} {:.1f} / {:.1f}", CalibrationMethodName(method), all_seen, by_method);
    }
    fmt::print("  {:<20} dB, rescaled values by all seen / by the method:{}\n", equalize ? "equalized" : "SmoothQuant 0.5", line);
  }
  return OkStatus();
}

Status Show(const char* name, const Model& model, const Example& example) {
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(double exact, Accuracy(model, *example.evaluation));
  fmt::print("{}\n  {:<48}{:.4f}\n", name, "fp32", exact);
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(model.Clone(), progress));
  NS_ASSIGN_OR_RETURN(Quantizer quantizer, Calibrated(std::move(prepared), example));
  for (const Form& form : Forms()) {
    NS_ASSIGN_OR_RETURN(QuantizedModel quantized, quantizer.Quantize(form.config));
    NS_ASSIGN_OR_RETURN(double accuracy, Accuracy(quantized.model, *example.evaluation));
    fmt::print("  {:<48}{:.4f}{}\n", form.name, accuracy, accuracy >= exact * 0.99 ? "" : "  more than 1 % lost");
    std::fflush(stdout);
  }
  return ShowClipping(quantizer, example);
}

Status Write(const fs::path& example, const fs::path& folder, const Model& model) {
  fs::create_directories(folder);
  for (const auto& file : fs::directory_iterator(example)) {
    std::string kind = file.path().extension();
    if (kind == ".onnx" || kind == ".py" || kind == ".safetensors") continue;
    fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
  }
  return model.Save(folder / "model.onnx");
}

Status Run(const std::string& examples, const fs::path& out) {
  NS_ASSIGN_OR_RETURN(Example text, TextExample(examples));
  NS_ASSIGN_OR_RETURN(Example image, ImageExample(examples));
  NS_ASSIGN_OR_RETURN(Model outliers, WithActivationOutliers(text.model.Clone()));
  NS_ASSIGN_OR_RETURN(Model rescaled, WithRescaledChannels(image.model.Clone()));
  NS_ASSIGN_OR_RETURN(Model plane, WithUnusedPlane(image.model.Clone()));
  NS_ASSIGN_OR_RETURN(Model only_float, WithCancellingOffsets(image.model.Clone()));
  struct Case {
    const char* name;
    const Model* model;
    const Example* example;
    const char* folder;
  };
  const Case cases[] = {{"text-classification", &text.model, &text, "text-classification"},
                        {"activation-outliers", &outliers, &text, "text-classification"},
                        {"image-classification", &image.model, &image, "image-classification"},
                        {"rescaled-channels", &rescaled, &image, "image-classification"},
                        {"unused-plane", &plane, &image, "image-classification"},
                        {"float-only", &only_float, &image, "image-classification"}};
  for (const Case& one : cases) {
    NS_RETURN_IF_ERROR(Write(fs::path(examples) / one.folder, out / one.name, *one.model));
    NS_RETURN_IF_ERROR(Show(one.name, *one.model, *one.example));
  }
  return OkStatus();
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: hard_cases EXAMPLES OUT\n");
    return 2;
  }
  ns::Status status = ns::Run(argv[1], argv[2]);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.ToString());
  return status.ok() ? 0 : 1;
}
