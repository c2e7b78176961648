// What a model is made of, and what quantization would make of it.
#pragma once

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "quantize/quantizer.h"
#include "worker/inputs.h"

namespace ns {

struct Inspection {
  std::filesystem::path onnx;  // of a folder with weights only: their file
  std::string task;  // of a Hugging Face folder; "": not known
  int64_t opset = 0;
  int64_t ir_version = 0;
  std::string producer;
  uint64_t file_bytes = 0;  // without external data
  uint64_t weight_bytes = 0;
  std::vector<TensorSpec> inputs, outputs;
  std::map<std::string, int> operators;                 // of the main graph, by type; other domains as "domain.Type"
  std::vector<OperatorDecision> as_static, as_dynamic;  // every operator that computes on floats, in graph order
  std::vector<std::string> notes;
};

// Errors of LoadSource() and PrepareModel(); Cancelled.
Result<Inspection> Inspect(const std::filesystem::path& model, std::stop_token stop = {});

std::string InspectionText(const Inspection& inspection);
std::string InspectionJson(const Inspection& inspection);

}  // namespace ns
