// Which operators of a model hurt when they are quantized, how much and why, from rows of data: `inspect MODEL --data ROWS`.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tasks/operator_report.h"
#include "worker/inspect.h"
#include "worker/optimize.h"

namespace ns {

struct Diagnosis {
  Inspection inspection;
  std::string plan;                    // "static, minmax": the default configuration, whose decisions are shown
  int64_t calibration_rows = 0, probe_rows = 0;
  std::optional<double> output_sqnr_db;  // of the outputs with all of it quantized; none: no difference, or nothing to quantize
  double float_latency_ms = 0;         // of one run
  std::vector<OperatorReport> operators;  // in graph order
};

// Prepares, calibrates, and measures each operator of the plan that `options` ask for (model, data, approach, calibration method, excluded
// operators, cores, threads; the rest is not looked at). Approach auto: static where any operator can be. Errors of loading and opening as
// Optimize(); Cancelled.
Result<Diagnosis> Diagnose(const OptimizeOptions& options, const WorkContext& context);

// The model in two lines, then OperatorTable() with its `shown` worst operators, then notes.
std::string DiagnosisText(const Diagnosis& diagnosis, size_t shown);
// InspectionJson() with the member `diagnosis`.
std::string DiagnosisJson(const Diagnosis& diagnosis);
// A page, or a picture alone, that needs no other file.
std::string DiagnosisHtml(const Diagnosis& diagnosis);
std::string DiagnosisSvg(const Diagnosis& diagnosis);

}  // namespace ns
