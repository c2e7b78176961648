// The trained models in examples/ with their rows, and how many of these a model gets right.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/data_set.h"
#include "graph/model.h"

namespace ns {

struct Example {
  Model model;
  std::unique_ptr<DataSet> calibration, evaluation;
};

// `examples`: the folder. Errors of the files.
Result<Example> TextExample(const std::string& examples);
Result<Example> ImageExample(const std::string& examples);

// The share of the first `rows` rows (0: all) whose label is the largest of the model's first output.
Result<double> Accuracy(const Model& model, const DataSet& data, int64_t rows = 0, int threads = 2);

}  // namespace ns
