// One shot: load, prepare, calibrate, quantize, write. No evaluation, no timing, no second copy of anything.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "quantize/quantizer.h"
#include "worker/optimize.h"

namespace ns {

struct QuantizeOnceOptions {
  std::filesystem::path model;    // a .onnx file or a Hugging Face folder
  std::filesystem::path data;     // calibration rows; needed for kStatic
  OpMode mode = OpMode::kStatic;  // kStatic or kDynamic
  CalibrationMethod method = CalibrationMethod::kMinMax;
  int64_t samples = 100;         // the first so many rows of the data, or all where there are fewer
  int64_t batch_size = 0;        // rows of one inference; 0: the model's fixed batch, else 1
  int threads = 0;               // 0: one a usable core
  std::filesystem::path output;  // the .onnx file to write; over 1.9 GB its weights go into <output>.data
  bool force = false;            // replace what is at `output`
};

struct QuantizeOnceOutcome {
  std::vector<std::pair<std::string, double>> elapsed_seconds;  // by stage, in order
  uint64_t peak_memory_bytes = 0;                               // of this process
  uint64_t size_bytes = 0;                                      // of the model written, external data included
  int quantized = 0;                                            // operators
  int left_in_float = 0;
  int64_t rows = 0;  // calibrated with
};

// The model is written into a scratch folder beside `output` and renamed into place, so that a stop or a failure leaves
// nothing. Errors of loading, calibrating, quantizing and writing; InvalidArgument (NO_DATA_GIVEN) for kStatic without
// data; AlreadyExists (OUTPUT_EXISTS), before any work, unless `force`.
Result<QuantizeOnceOutcome> QuantizeOnce(const QuantizeOnceOptions& options, const WorkContext& context);

std::string QuantizeOnceText(const QuantizeOnceOutcome& outcome);
std::string QuantizeOnceJson(const QuantizeOnceOutcome& outcome);

}  // namespace ns
