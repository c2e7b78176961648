#include "worker/inputs.h"

#include <algorithm>

#include "base/hash.h"
#include "data/metrics/registry.h"
#include "graph/scratch_file.h"
#include "huggingface/architectures/build_onnx.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// Writes the folder's weights as the ONNX file that is used in their place.
Result<std::shared_ptr<const TempDir>> BuildFromWeights(ModelFolder* folder) {
  NS_ASSIGN_OR_RETURN(BuiltModel built, BuildOnnx(folder->folder));
  NS_ASSIGN_OR_RETURN(TempDir scratch, TempDir::Create("ns-built-"));
  folder->onnx = scratch.path() / "model.onnx";
  NS_RETURN_IF_ERROR(SaveScratch(built.model, folder->onnx));
  folder->guesses.insert(folder->guesses.end(), built.notes.begin(), built.notes.end());
  return std::make_shared<const TempDir>(std::move(scratch));
}

}  // namespace

Result<SourceModel> LoadSource(const fs::path& path) {
  std::error_code ignored;
  std::optional<ModelFolder> folder;
  std::shared_ptr<const TempDir> built;
  fs::path onnx = path;
  if (fs::is_directory(path, ignored)) {
    NS_ASSIGN_OR_RETURN(folder, OpenModelFolder(path));
    if (folder->onnx.empty()) {
      NS_ASSIGN_OR_RETURN(built, BuildFromWeights(&*folder));
    }
    onnx = folder->onnx;
  }
  NS_ASSIGN_OR_RETURN(Model model, Model::Load(onnx));
  return SourceModel{onnx, std::move(folder), std::move(model), std::move(built)};
}

namespace {

Result<std::unique_ptr<DataSet>> Open(const SourceModel& source, const fs::path& path, const DataOptions& options,
                                      DataSetOptions::Labels labels) {
  DataSetOptions open;
  open.path = path;
  open.columns = options.columns;
  open.labels = labels;
  if (source.folder) FillDataSetOptions(*source.folder, &open);
  return OpenDataSet(open, source.model.inputs());
}

// Whether both lead to the same rows: one file or folder by whatever name, or a copy of it.
Result<bool> IsSameData(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  if (!fs::is_regular_file(a, error) || !fs::is_regular_file(b, error)) return false;
  if (fs::file_size(a, error) != fs::file_size(b, error)) return false;
  NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(a));
  NS_ASSIGN_OR_RETURN(std::string other, Sha256HexOfFile(b));
  return digest == other;
}

}  // namespace

Result<SourceData> OpenData(const SourceModel& source, const DataOptions& options, DataSetOptions::Labels labels) {
  if (options.path.empty()) {
    return InvalidArgument("no data given; name a .npz, .csv, .tsv or .jsonl file with --data", "NO_DATA_GIVEN");
  }
  SourceData data;
  NS_ASSIGN_OR_RETURN(data.evaluation, Open(source, options.path, options, labels));
  SplitOptions split;
  split.calibration_samples = options.calibration_samples;
  split.evaluation_samples = options.evaluation_samples;
  split.seed = options.seed;
  int64_t rows = data.evaluation->rows();
  bool is_path = !options.calibration.empty() && !LooksLikeRowRange(options.calibration);
  bool same = false;
  if (is_path) {
    NS_ASSIGN_OR_RETURN(same, IsSameData(options.path, options.calibration));
  }
  if (is_path && !same) {
    NS_ASSIGN_OR_RETURN(data.second, Open(source, options.calibration, options, DataSetOptions::Labels::kOptional));
    NS_ASSIGN_OR_RETURN(data.split, SplitTwoSets(data.second->rows(), rows, split));
    return data;
  }
  if (!options.calibration.empty() && !is_path) {
    NS_ASSIGN_OR_RETURN(split.calibration_range, ParseRowRange(options.calibration, rows));
  }
  NS_ASSIGN_OR_RETURN(data.split, SplitRows(rows, split));
  if (same) {
    data.split.notes.push_back(
        fmt::format("'{}' holds the evaluation rows, so it is no calibration data of its own: no row does both",
                    options.calibration));
  }
  return data;
}

Result<bool> MetricNeedsLabels(const std::string& metric) {
  NS_ASSIGN_OR_RETURN(auto made, MetricByName(metric));
  return made->target() == MetricTarget::kLabels && metric != "perplexity";
}

namespace {

Result<std::string> GuessMetric(const SourceModel& source, const SourceData& data, std::vector<Guess>* guesses) {
  auto guess = [&](std::string name, std::string why) {
    guesses->push_back({"metric", name, std::move(why)});
    return name;
  };
  if (!data.evaluation->has_labels())
    return guess("agreement", "the data has no labels, so outputs are compared with the fp32 model's");
  if (source.folder && !source.folder->metric.empty()) {
    return guess(source.folder->metric, fmt::format("usual for {}", source.folder->task));
  }
  int64_t first = data.split.evaluation.at(0);
  NS_ASSIGN_OR_RETURN(Batch batch, data.evaluation->Read({&first, 1}));
  bool classes = batch.labels && batch.labels->dtype() == DType::kInt64;
  return classes ? guess("accuracy", "the labels are whole numbers") : guess("mse", "the labels are not whole numbers");
}

}  // namespace

Result<std::string> ChooseMetric(const std::string& wanted, const SourceModel& source, const SourceData& data,
                                 std::vector<Guess>* guesses) {
  if (wanted.empty()) return GuessMetric(source, data, guesses);
  NS_ASSIGN_OR_RETURN(bool needs_labels, MetricNeedsLabels(wanted));
  if (needs_labels && !data.evaluation->has_labels()) {
    return InvalidArgument(
        fmt::format("metric '{}' needs labels and the data has none; add them, or take --metric agreement", wanted),
        "NO_LABELS");
  }
  return wanted;
}

std::vector<int64_t> SpreadRows(std::span<const int64_t> rows, size_t count) {
  count = std::min(count, rows.size());
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < count; ++i) chosen.push_back(rows[i * rows.size() / count]);
  return chosen;
}

Result<std::string> DigestOf(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return Sha256HexOfFile(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Sha256 all;
  for (const fs::path& file : files) {
    NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(file));
    all.Update(fmt::format("{}  {}\n", digest, file.lexically_relative(path).string()));
  }
  return all.HexDigest();
}

}  // namespace ns
