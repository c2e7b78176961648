// The two things a user hands in, opened and checked against each other: a model and a data set.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "data/data_set.h"
#include "data/split.h"
#include "graph/model.h"
#include "huggingface/model_folder.h"
#include "tasks/report.h"
#include "worker/options.h"

namespace ns {

struct SourceModel {
  std::filesystem::path onnx;         // the file; of a folder with weights only, one that was built from them
  std::optional<ModelFolder> folder;  // set: it came from a Hugging Face folder
  Model model;
  std::shared_ptr<const TempDir> built = {};  // keeps `onnx` where it was built
};

// `path` is a .onnx file or a Hugging Face folder. A folder of weights is turned into ONNX in a temporary folder, which
// the folder's guesses tell. Errors of OpenModelFolder(), BuildOnnx() and Model::Load().
Result<SourceModel> LoadSource(const std::filesystem::path& path);

struct SourceData {
  std::unique_ptr<DataSet> evaluation;
  std::unique_ptr<DataSet> second;  // calibration rows, where they are a data set of their own
  Split split;
  DataSet& calibration() const { return second ? *second : *evaluation; }
};

// Opens the data for `source` and chooses the rows. `labels`: whether the evaluation rows must have some. Calibration
// data that is the evaluation data under another name, or a copy of it, is treated as none: rows are split off, and a
// note of the split says so. Errors of OpenDataSet() and of the split; InvalidArgument (NO_DATA_GIVEN) when there is no
// path.
Result<SourceData> OpenData(const SourceModel& source, const DataOptions& options, DataSetOptions::Labels labels);

// The metric asked for, or the one that suits model and data, noted in `guesses`: the folder's usual one, accuracy for
// labels that are classes, mse for others, agreement without labels. InvalidArgument: UNKNOWN_METRIC, NO_LABELS (the
// metric needs them).
Result<std::string> ChooseMetric(const std::string& wanted, const SourceModel& source, const SourceData& data,
                                 std::vector<Guess>* guesses);

// Whether `metric` needs labels in the data set. Perplexity does not: a causal model's labels are its own input ids.
// InvalidArgument (UNKNOWN_METRIC).
Result<bool> MetricNeedsLabels(const std::string& metric);

// At most `count` of `rows`, evenly spread, in their order: for what needs typical rows and not all.
std::vector<int64_t> SpreadRows(std::span<const int64_t> rows, size_t count);

// Digest of a data set: of the file, or, for a folder, of its files' names and digests. Errors of reading.
Result<std::string> DigestOf(const std::filesystem::path& path);

}  // namespace ns
