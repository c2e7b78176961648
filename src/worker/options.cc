#include "worker/options.h"

#include <sched.h>

#include <algorithm>
#include <charconv>

#include "base/edit_distance.h"
#include "tasks/cache_folder.h"

namespace ns {
namespace fs = std::filesystem;

fs::path DefaultOutput(const fs::path& model) {
  fs::path name = model.lexically_normal();
  if (!name.has_filename()) name = name.parent_path();  // "folder/"
  fs::path stem = fs::is_directory(name) ? name.filename() : name.stem();
  if (stem.empty() || stem == "." || stem == "..") stem = fs::absolute(name).lexically_normal().filename();
  return fs::path(stem.string() + "-optimized");
}

namespace {

Result<int> ParseCore(std::string_view word) {
  int core = -1;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), core);
  if (error != std::errc() || end != word.data() + word.size() || core < 0 || core >= CPU_SETSIZE) {
    return InvalidArgument(fmt::format("'{}' is not a core number; cores are given as 0,2-3", word), "BAD_CORES");
  }
  return core;
}

Status CheckCores(const std::vector<int>& cores) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof(usable), &usable) != 0) return OkStatus();
  std::vector<int> seen;
  for (int core : cores) {
    if (std::find(seen.begin(), seen.end(), core) != seen.end()) {
      return InvalidArgument(fmt::format("core {} is given twice", core), "BAD_CORES");
    }
    if (!CPU_ISSET(core, &usable)) {
      return InvalidArgument(fmt::format("core {} does not exist or may not be used by this process", core),
                             "BAD_CORES");
    }
    seen.push_back(core);
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<int>> ParseCores(std::string_view text) {
  std::vector<int> cores;
  while (true) {
    size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    size_t dash = part.find('-');
    NS_ASSIGN_OR_RETURN(int first, ParseCore(part.substr(0, dash)));
    int last = first;
    if (dash != std::string_view::npos) {
      NS_ASSIGN_OR_RETURN(last, ParseCore(part.substr(dash + 1)));
    }
    if (last < first) return InvalidArgument(fmt::format("'{}' runs backwards", part), "BAD_CORES");
    for (int core = first; core <= last; ++core) cores.push_back(core);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  NS_RETURN_IF_ERROR(CheckCores(cores));
  return cores;
}

std::string NearestName(std::string_view word, const std::vector<std::string>& known) {
  std::string nearest;
  size_t least = std::max<size_t>(2, word.size() / 2) + 1;
  for (const std::string& name : known) {
    size_t distance = EditDistance(word, name);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

namespace {

Status TakeParameters(const MetricSpec& metric, MetricOptions* options) {
  for (const auto& [name, value] : metric.parameters) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    bool whole = error == std::errc() && end == value.data() + value.size();
    if (name == "positive_label" && whole) {
      options->positive_label = number;
    } else if (name == "ignore_label" && whole) {
      options->ignore_label = number;
    } else if (name == "label_shift" && whole) {
      options->label_shift = number;
    } else {
      return InvalidArgument(
          fmt::format("metric parameter {}={} is not known; known are the numbers positive_label, ignore_label and "
                      "label_shift",
                      name, value),
          "UNKNOWN_PARAMETER", "metric");
    }
  }
  return OkStatus();
}

Status TakeMetrics(const TaskSpec& spec, OptimizeOptions* options) {
  std::vector<MetricSpec> metrics = spec.metrics;
  if (metrics.empty()) metrics.emplace_back();
  options->metrics.clear();
  for (const MetricSpec& metric : metrics) {
    for (const MetricRequest& other : options->metrics) {
      if (other.name != metric.name) continue;
      return InvalidArgument(fmt::format("the metric {} is given twice", metric.name), "DUPLICATE_METRIC", "metric");
    }
    MetricRequest request;
    request.name = metric.name;
    NS_RETURN_IF_ERROR(TakeParameters(metric, &request.options));
    const CriterionSpec& criterion = metric.criterion ? *metric.criterion : spec.accuracy_criterion;
    request.criterion.kind = criterion.relative ? CriterionKind::kRelative : CriterionKind::kAbsolute;
    request.criterion.tolerable_loss = criterion.tolerable_loss;
    request.higher_is_better = criterion.higher_is_better;
    options->metrics.push_back(std::move(request));
  }
  return OkStatus();
}

Objective ObjectiveOf(const std::vector<ObjectiveSpec>& specs) {
  Objective objective;
  objective.performance = 0;
  for (const ObjectiveSpec& spec : specs) {
    double& weight = spec.objective == "size"     ? objective.size
                     : spec.objective == "memory" ? objective.memory
                                                  : objective.performance;
    weight += spec.weight;
  }
  return objective;
}

Status TakeTuning(const TuningSpec& spec, std::optional<double> seconds_to_deadline, OptimizeOptions* options) {
  TuningOptions& tuning = options->tuning;
  tuning.strategy = spec.strategy;
  tuning.objective = ObjectiveOf(spec.objectives);
  tuning.stop.max_trials = spec.max_trials;
  tuning.stop.timeout_seconds = spec.timeout_seconds;
  if (seconds_to_deadline) {
    // A timeout of 0 means none, so a deadline that has passed is a very short one.
    double left = std::max(*seconds_to_deadline, 1e-3);
    tuning.stop.timeout_seconds = spec.timeout_seconds > 0 ? std::min(spec.timeout_seconds, left) : left;
  }
  tuning.stop_at_goal = spec.stop_at_goal;
  tuning.seed = options->data.seed = spec.seed;
  options->latency = {spec.latency.threads, spec.latency.batch};
  const QuantizationSpec& quantization = spec.quantization;
  tuning.excluded_operators = quantization.excluded_operators;
  tuning.dtypes = quantization.dtypes;
  tuning.recipes = spec.recipes;
  if (quantization.granularities.size() == 1) tuning.per_channel = quantization.granularities[0] == "per_channel";
  for (const std::string& name : quantization.calibration_methods) {
    NS_ASSIGN_OR_RETURN(CalibrationMethod method, CalibrationMethodByName(name));
    tuning.calibration_methods.push_back(method);
  }
  return OkStatus();
}

void TakeData(const TaskFile& task, OptimizeOptions* options) {
  DataOptions& data = options->data;
  data.path = task.dataset_path;
  if (!task.spec.dataset) return;
  const DatasetSpec& spec = *task.spec.dataset;
  if (!task.calibration_path.empty()) {
    data.calibration = task.calibration_path.string();
  } else if (spec.calibration_rows) {
    data.calibration = fmt::format("{}:{}", spec.calibration_rows->begin, spec.calibration_rows->end);
  }
  data.columns = {spec.columns.text, spec.columns.text_pair, spec.columns.label, {}};
  // The request maps model input → array, the data set array → model input.
  for (const auto& [input, array] : spec.columns.inputs) data.columns.inputs[array] = input;
  data.calibration_samples = spec.calibration_samples;
  if (spec.evaluation_samples > 0) data.evaluation_samples = spec.evaluation_samples;
  data.batch_size = spec.batch_size;
}

}  // namespace

Result<OptimizeOptions> OptionsFromTask(const TaskFile& task, std::optional<double> seconds_to_deadline) {
  OptimizeOptions options;
  options.model = task.model_path;
  options.tuning.approach = task.spec.approach;
  options.cores = task.cores;
  options.output = task.output_folder;
  options.marks = task.output_folder.parent_path();
  if (task.spec.tuning.cache || !task.cache_folder.empty()) {
    options.cache.write = task.output_folder.parent_path() / kCacheFolderName;
    if (!task.cache_folder.empty()) options.cache.read = {task.cache_folder};
  }
  options.force = true;  // an earlier attempt may have left its result
  TakeData(task, &options);
  NS_RETURN_IF_ERROR(TakeMetrics(task.spec, &options));
  NS_RETURN_IF_ERROR(TakeTuning(task.spec.tuning, seconds_to_deadline, &options));
  return options;
}

}  // namespace ns
