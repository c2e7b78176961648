// What a user asks for: the body of POST /task/submit/ (docs: the API contract, section 1) in plain types.
//
// A TaskSpec is only ever made by ParseTaskSpec (task_spec_codec.h), so one that exists has passed every check that needs nothing but the
// request itself. Checks that need the file system (is the model there?) are the service's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace ns {

enum class Approach { kAuto, kStatic, kDynamic };

// When the optimized model is good enough, as asked for. (ns::AccuracyCriterion, which decides, is in tune/; ns::RowRange in data/: one
// name may have only one type, since the worker links all three.)
struct CriterionSpec {
  bool relative = true;          // the loss is a share of the baseline; false: it is in the metric's own unit
  double tolerable_loss = 0.01;  // largest accepted loss, >= 0
  std::optional<bool> higher_is_better;  // none: the metric's own sense
  bool operator==(const CriterionSpec&) const = default;
};

struct MetricSpec {
  std::string name;                              // one of KnownMetrics()
  std::map<std::string, std::string> parameters;  // the metric's own options: {"average": "macro"}
  std::optional<CriterionSpec> criterion;    // none: the task's
  bool operator==(const MetricSpec&) const = default;
};

// Rows [begin, end) of the data set.
struct RowRangeSpec {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const RowRangeSpec&) const = default;
};

// Which columns (or arrays) are what. Empty: inferred, and the guess is recorded in the report.
struct ColumnMap {
  std::string text;
  std::string text_pair;
  std::string label;
  std::map<std::string, std::string> inputs;  // model input -> array or column
  bool operator==(const ColumnMap&) const = default;
};

struct DatasetSpec {
  std::string path;                             // as the user gave it: below --upload_path, an address, or "upload:<id>"
  std::string calibration_path;                 // "": none given
  std::optional<RowRangeSpec> calibration_rows;     // at most one of the two; neither: rows split off, seeded, never evaluated
  ColumnMap columns;
  std::optional<int64_t> calibration_samples;   // rows, >= 1; none: at most 100
  int64_t evaluation_samples = 0;               // rows; 0: all
  int64_t batch_size = 0;                       // rows; 0: chosen by the worker
  bool operator==(const DatasetSpec&) const = default;
};

struct ObjectiveSpec {
  std::string objective = "performance";  // performance, size or memory
  double weight = 1.0;                    // > 0
  bool operator==(const ObjectiveSpec&) const = default;
};

// What timing measures.
struct LatencySpec {
  int threads = 0;  // 0: the slot's cores
  int batch = 1;
  bool operator==(const LatencySpec&) const = default;
};

// Limits on what the tuner may try. An empty list: no limit.
struct QuantizationSpec {
  std::vector<std::string> dtypes;               // of KnownDtypes(); fp32 always stays possible
  std::vector<std::string> granularities;        // per_channel, per_tensor
  std::vector<std::string> calibration_methods;  // one of KnownCalibrationMethods()
  std::vector<std::string> excluded_operators;   // node names or operator types that stay in float
  bool operator==(const QuantizationSpec&) const = default;
};

struct TuningSpec {
  std::string strategy = "auto";
  int max_trials = 100;          // >= 1
  double timeout_seconds = 0;    // 0: none
  std::vector<ObjectiveSpec> objectives = {ObjectiveSpec{}};
  LatencySpec latency;
  QuantizationSpec quantization;
  std::map<std::string, bool> recipes;  // recipe name -> on or off; a name that is not here is the tuner's choice
  uint64_t seed = 0;
  bool cache = true;
  bool stop_at_goal = false;
  bool operator==(const TuningSpec&) const = default;
};

struct TaskSpec {
  // A script task has script_url, a model task has model; never both.
  std::string script_url;
  bool optimized = false;
  std::vector<std::string> arguments;
  std::vector<std::string> requirements;

  std::string model;  // as the user gave it: below --upload_path, an address, or "upload:<id>"
  std::optional<DatasetSpec> dataset;
  std::vector<MetricSpec> metrics;  // empty: chosen from the data (labels or none), recorded as a guess
  CriterionSpec accuracy_criterion;
  TuningSpec tuning;

  Approach approach = Approach::kAuto;
  bool approach_was_ipex = false;  // "static_ipex" was asked for and is taken as static
  int workers = 1;                 // 1 to 10,000
  int priority = 2;                // 1 (highest) to 3
  std::string name;
  std::map<std::string, std::string> labels;
  std::optional<double> deadline_seconds;  // after submission
  std::optional<WallTime> deadline_time;   // at most one of the two
  std::string idempotency_key;
  std::string webhook;
  bool operator==(const TaskSpec&) const = default;
};

std::string ApproachName(Approach approach);

// The tables of names that a request may use.
const std::vector<std::string>& KnownMetrics();
const std::vector<std::string>& KnownStrategies();
const std::vector<std::string>& KnownCalibrationMethods();
// What operators may compute in or keep their weights in: "int8" (int8 weights, read by uint8 activations or alone),
// "int4" (weights alone), "fp32".
const std::vector<std::string>& KnownDtypes();
// Whether a request that allows these types (none: all) allows `dtype`.
bool AllowsDtype(const std::vector<std::string>& dtypes, std::string_view dtype);
// What is wrong with these types for this approach; empty: nothing.
std::string DtypesConflict(Approach approach, const std::vector<std::string>& dtypes);

}  // namespace ns
