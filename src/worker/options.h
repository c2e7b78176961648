// What one optimization is asked to do: the command line's options, or a task's request, in one plain struct.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/data_set.h"
#include "data/metrics/metric.h"
#include "quantize/config.h"
#include "tasks/task_file.h"
#include "tune/accuracy_criterion.h"
#include "tune/objective.h"
#include "tune/stop_condition.h"
#include "worker/team/team_options.h"
#include "worker/tuning_cache.h"

namespace ns {

struct DataOptions {
  std::filesystem::path path;
  std::string calibration;  // a second data set's path, or rows "0:200" of the first; empty: rows split off
  ColumnOptions columns;
  std::optional<int64_t> calibration_samples;  // none: at most 100
  std::optional<int64_t> evaluation_samples;   // none: all that do not calibrate
  int64_t batch_size = 0;                      // rows of one evaluation run; 0: the model's fixed batch, else 1
  uint64_t seed = 0;
};

struct LatencySettings {
  int threads = 0;  // 0: as many as cores
  int64_t batch = 1;
};

struct MetricRequest {
  std::string name;  // empty: the task's usual one where the model tells, else by the labels; recorded as a guess
  MetricOptions options;
  AccuracyCriterion criterion;  // higher_is_better is taken from the metric unless the next one is set
  std::optional<bool> higher_is_better;
};

// What the tuner may try, and for how long.
struct TuningOptions {
  std::string strategy = "auto";
  Approach approach = Approach::kAuto;
  Objective objective;
  StopCondition stop;
  bool stop_at_goal = false;
  uint64_t seed = 0;
  std::vector<CalibrationMethod> calibration_methods;  // empty: all, minmax first
  std::vector<std::string> dtypes;                     // of KnownDtypes(), that operators may take beside fp32; empty: all
  std::optional<bool> per_channel;                     // none: the default configuration's
  std::vector<std::string> excluded_operators;         // node names or operator types that stay in float
  std::map<std::string, bool> recipes;                 // off: not tried
};

struct OptimizeOptions {
  std::filesystem::path model;  // a .onnx file or a Hugging Face folder
  DataOptions data;
  std::vector<MetricRequest> metrics = {MetricRequest()};  // at least one; each holds
  TuningOptions tuning;
  LatencySettings latency;
  std::vector<int> cores;        // we run on these; empty: all we may use
  int threads = 0;               // of evaluation and calibration; 0: one a core
  TuningCache::Options cache;    // where results are looked up and kept; empty: nowhere
  std::filesystem::path recipe;  // replay this one; empty: tune
  bool dry_run = false;          // say what would be done, write nothing
  std::filesystem::path output;  // folder; empty: DefaultOutput()
  bool force = false;            // replace an earlier result in `output`
  std::filesystem::path marks;   // folder of WorkMarks; empty: nothing is marked
  LeadOptions lead;              // other workers; no socket: there are none
};

// "<model's stem>-optimized" in the working folder.
std::filesystem::path DefaultOutput(const std::filesystem::path& model);

// The options that a task's request stands for. `seconds_to_deadline`: what is left of the task's deadline; none: it
// has none. InvalidArgument (UNKNOWN_METRIC, UNKNOWN_CALIBRATION_METHOD, NOT_AVAILABLE) for what this worker cannot do.
Result<OptimizeOptions> OptionsFromTask(const TaskFile& task, std::optional<double> seconds_to_deadline);

// "0,2-3" → {0, 2, 3}. InvalidArgument (BAD_CORES): another form, a core given twice, or one that this process may not
// use.
Result<std::vector<int>> ParseCores(std::string_view text);

// The nearest of `known` to `word` by edit distance, when it is near enough to be a slip; else empty.
std::string NearestName(std::string_view word, const std::vector<std::string>& known);

}  // namespace ns
