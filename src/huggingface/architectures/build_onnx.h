// A Hugging Face folder of weights → an ONNX model, without Python.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "graph/model.h"
#include "huggingface/architectures/model_config.h"
#include "huggingface/weights/weights.h"

namespace ns {

struct BuiltModel {
  Model model;
  std::string class_name;          // "BertForSequenceClassification"
  std::vector<std::string> notes;  // what was decided on the way, a sentence each
};

// By config.json's `architectures` (the first that is known) and `model_type`. Inputs and outputs are named as optimum
// names them and take any batch and sequence; weights in half precision become float32. Where the weights are of the
// network without the head that config.json names, that network is built, and a note says so.
// NotFound: NO_CONFIG, NO_WEIGHTS, MISSING_WEIGHT. InvalidArgument: UNSUPPORTED_ARCHITECTURE (lists what is supported),
// UNSUPPORTED_CONFIG, BAD_CONFIG, BAD_WEIGHTS, UNSAFE_PICKLE.
Result<BuiltModel> BuildOnnx(const std::filesystem::path& folder);
Result<BuiltModel> BuildOnnx(const ModelConfig& config, const Weights& weights);

}  // namespace ns
