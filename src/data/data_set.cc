#include "data/data_set.h"

#include "data/array_data_set.h"
#include "data/names.h"
#include "data/npz.h"
#include "data/number_table.h"
#include "data/text_data_set.h"

namespace ns {

namespace {

Result<std::unique_ptr<DataSet>> OpenNpz(const DataSetOptions& options, std::span<const TensorSpec> model_inputs) {
  NS_ASSIGN_OR_RETURN(NpzContent content, ReadNpz(options.path, options.max_inflated_bytes));
  ArrayDataSetOptions array_options;
  array_options.inputs = options.columns.inputs;
  array_options.label = options.columns.label;
  array_options.labels = options.labels;
  array_options.unusable = std::move(content.unusable);
  array_options.mapped = content.archive;
  Result<std::unique_ptr<DataSet>> set = ArrayDataSet::Create(content.arrays, model_inputs, array_options);
  if (!set.ok()) return set.status().WithContext(fmt::format("data set '{}'", options.path.string()));
  return set;
}

}  // namespace

Result<std::unique_ptr<DataSet>> OpenDataSet(const DataSetOptions& options, std::span<const TensorSpec> model_inputs) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(options.path, error);
  if (!std::filesystem::exists(status)) {
    return NotFound(fmt::format("data set '{}' is not there", options.path.string()), "FILE_NOT_FOUND");
  }
  std::string extension = LowerCase(options.path.extension().string());
  bool is_table = extension == ".csv" || extension == ".tsv" || extension == ".jsonl";
  if (extension == ".parquet") {
    return InvalidArgument(
        fmt::format("data set '{0}' is parquet, which is not read; write it as JSON lines: python3 -c \"import pandas; pandas.read_parquet('{0}')"
                    ".to_json('{1}.jsonl', orient='records', lines=True)\"",
                    options.path.string(), options.path.stem().string()),
        "UNSUPPORTED_FORMAT");
  }
  if (std::filesystem::is_directory(status) || (!is_table && extension != ".npz")) {
    return InvalidArgument(
        fmt::format("data set '{}' is {}; .npz, .csv, .tsv and .jsonl are read", options.path.string(),
                    std::filesystem::is_directory(status) ? "a folder" : "of an unknown kind"),
        "UNSUPPORTED_FORMAT");
  }
  if (!is_table) return OpenNpz(options, model_inputs);
  if (options.tokenizer) return TextDataSet::Open(options, model_inputs);
  return OpenNumberTable(options, model_inputs);
}

}  // namespace ns
