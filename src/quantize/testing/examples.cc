#include "quantize/testing/examples.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <regex>

#include "base/file.h"
#include "quantize/batch_runner.h"
#include "runtime/session.h"

namespace ns {

Result<Example> TextExample(const std::string& examples) {
  std::string folder = examples + "/text-classification/";
  NS_ASSIGN_OR_RETURN(Model model, Model::Load(folder + "model.onnx"));
  NS_ASSIGN_OR_RETURN(std::string config, ReadFile(folder + "config.json", 1 << 20));
  DataSetOptions options;
  options.tokenizer = TokenizerOptions{};
  options.tokenizer->file = folder + "tokenizer.json";
  config.erase(0, config.find("label2id"));
  config.erase(config.find('}'));
  const std::regex entry("\"([^\"]+)\": *([0-9]+)");
  for (std::sregex_iterator match(config.begin(), config.end(), entry), end; match != end; ++match) {
    options.label_ids[(*match)[1]] = std::stoi((*match)[2]);
  }
  Example example{std::move(model), nullptr, nullptr};
  options.path = folder + "calibration.tsv";
  NS_ASSIGN_OR_RETURN(example.calibration, OpenDataSet(options, example.model.inputs()));
  options.path = folder + "evaluation.tsv";
  NS_ASSIGN_OR_RETURN(example.evaluation, OpenDataSet(options, example.model.inputs()));
  return example;
}

Result<Example> ImageExample(const std::string& examples) {
  std::string folder = examples + "/image-classification/";
  NS_ASSIGN_OR_RETURN(Model model, Model::Load(folder + "model.onnx"));
  Example example{std::move(model), nullptr, nullptr};
  DataSetOptions options;
  options.path = folder + "calibration.npz";
  NS_ASSIGN_OR_RETURN(example.calibration, OpenDataSet(options, example.model.inputs()));
  options.path = folder + "evaluation.npz";
  NS_ASSIGN_OR_RETURN(example.evaluation, OpenDataSet(options, example.model.inputs()));
  return example;
}

Result<double> Accuracy(const Model& model, const DataSet& data, int64_t rows, int threads) {
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model));
  std::vector<int64_t> numbers(static_cast<size_t>(rows > 0 ? std::min(rows, data.rows()) : data.rows()));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::atomic<int64_t> right = 0;
  auto count = [&](BatchResult result) -> Status {
    const Tensor& scores = result.outputs[0];
    auto classes = static_cast<size_t>(scores.shape().back());
    auto labels = result.batch->labels->values<int64_t>();
    for (size_t row = 0; row < labels.size(); ++row) {
      auto own = scores.values<float>().subspan(row * classes, classes);
      right += std::max_element(own.begin(), own.end()) - own.begin() == labels[row] ? 1 : 0;
    }
    return OkStatus();
  };
  NullProgress progress;
  BatchRunOptions run{threads, 1, {}, "evaluate"};
  NS_RETURN_IF_ERROR(RunBatches(session, data, numbers, run, count, progress, {}));
  return static_cast<double>(right) / static_cast<double>(numbers.size());
}

}  // namespace ns
