// The report of a finished optimization (report.json, GET /task/{id}/report): the evidence beside the model.
// JSON names are the field names below unless a comment says otherwise; an optional without a value is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/operator_report.h"
#include "tasks/session_settings.h"

namespace ns {

struct LatencyFigures {
  double median = 0;  // milliseconds for one run of `batch` rows
  double p95 = 0;
  int batch = 1;
  int threads = 1;
};

// One model, measured from its packaged file.
struct ModelFigures {
  std::map<std::string, double> metric;  // name -> value
  uint64_t size_bytes = 0;               // model file with its external data
  LatencyFigures latency_ms;
  uint64_t peak_memory_bytes = 0;
};

// A ratio with its 95 % interval.
struct SpeedUp {
  double median = 0;  // baseline time / optimized time, interleaved runs
  double low = 0;
  double high = 0;
};

struct AccuracyDifference {
  double value = 0;  // optimized - baseline, in the first metric's unit
  double low = 0;    // paired 95 % interval
  double high = 0;
  std::string note;  // set when the interval crosses the limit; "" is left out
};

// What an answer must reach.
struct GoalReport {
  std::string metric;
  double limit = 0;  // the worst value that holds
  bool higher_is_better = true;
};

struct TrialReport {
  int index = 0;
  std::string configuration;
  std::map<std::string, double> metric;
  int64_t rows = 0;                    // evaluated
  bool meets_criterion = false;
  std::optional<double> latency_ms;    // median
  std::optional<uint64_t> size_bytes;
  std::string worker;                  // "" is left out
  std::string started;                 // time, UTC; "" is left out
  double seconds = 0;
  std::string note;                    // "" is left out
};

// A trial that no other beats on every axis.
struct ParetoPoint {
  int trial = 0;
  double accuracy = 0;
  double latency_ms = 0;
  uint64_t size_bytes = 0;
  std::string model;   // its file in the result; "": it was not made
  std::string recipe;  // the file that makes it; "": the model that was given, in fp32
  std::string note;    // why it was not made, and what makes it; "" is left out
};

struct EnvironmentReport {
  std::map<std::string, std::string> versions;  // "neural_solution", "onnxruntime", "onnx", ...
  std::string cpu;                              // model name
  std::string cpu_features;                     // "avx2 avx512 vnni"
  int threads = 1;
  std::vector<int> cores;
};

struct InputReport {
  std::string role;  // "model", "settings" (of a model folder), "dataset", "calibration"
  std::string path;
  std::string sha256;
};

// What was inferred, not told.
struct Guess {
  std::string what;   // "label column"
  std::string value;  // "section"
  std::string why;
};

struct Report {
  std::string verdict;  // one sentence
  bool goal_met = false;
  ModelFigures baseline;
  ModelFigures optimized;
  SpeedUp speedup;
  std::optional<SessionSettings> session;  // with which the optimized model's latency was measured
  AccuracyDifference accuracy_difference;
  int64_t evaluation_rows = 0;
  int full_evaluations = 0;     // the baseline's included
  int partial_evaluations = 0;
  std::vector<GoalReport> goals;  // none: nothing was evaluated
  std::map<std::string, double> elapsed_seconds;  // stage -> seconds; "total" is all of it
  std::vector<OperatorReport> operators;
  std::vector<TrialReport> trials;
  std::vector<ParetoPoint> pareto;
  EnvironmentReport environment;
  std::vector<InputReport> inputs;
  std::vector<Guess> guesses;
  std::vector<std::string> notes;  // decisions a user should read: why a result is slower, weights of 7 bits, ...
};

// Indented by two spaces, fields in the order above; numbers that are not finite are written as null.
std::string ReportToJson(const Report& report);
// Missing fields keep their defaults, unknown ones are ignored. InvalidArgument (BAD_REPORT).
Result<Report> ParseReport(std::string_view json);

}  // namespace ns
