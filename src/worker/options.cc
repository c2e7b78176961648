#include "worker/options.h"

#include <sched.h>

#include <algorithm>
#include <charconv>

#include "base/edit_distance.h"

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

Result<AccuracyCriterion> CriterionOf(const CriterionSpec& spec) {
  AccuracyCriterion criterion;
  criterion.kind = spec.relative ? CriterionKind::kRelative : CriterionKind::kAbsolute;
  criterion.tolerable_loss = spec.tolerable_loss;
  return criterion;
}

Status TakeMetric(const TaskSpec& spec, OptimizeOptions* options) {
  CriterionSpec criterion = spec.accuracy_criterion;
  if (spec.metrics.size() > 1) {
    return InvalidArgument("several metrics at once are not supported yet; name one", "NOT_AVAILABLE", "metric");
  }
  if (!spec.metrics.empty()) {
    const MetricSpec& metric = spec.metrics[0];
    options->metric = metric.name;
    if (metric.criterion) criterion = *metric.criterion;
    for (const auto& [name, value] : metric.parameters) {
      int64_t number = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      bool whole = error == std::errc() && end == value.data() + value.size();
      if (name == "positive_label" && whole) {
        options->metric_options.positive_label = number;
      } else if (name == "ignore_label" && whole) {
        options->metric_options.ignore_label = number;
      } else if (name == "label_shift" && whole) {
        options->metric_options.label_shift = number;
      } else {
        return InvalidArgument(
            fmt::format("metric parameter {}={} is not known; known are the numbers positive_label, ignore_label and "
                        "label_shift",
                        name, value),
            "UNKNOWN_PARAMETER", "metric");
      }
    }
  }
  NS_ASSIGN_OR_RETURN(options->criterion, CriterionOf(criterion));
  options->higher_is_better = criterion.higher_is_better;
  return OkStatus();
}

Status TakeTuning(const TuningSpec& tuning, std::optional<double> seconds_to_deadline, OptimizeOptions* options) {
  options->stop.max_trials = tuning.max_trials;
  options->stop.timeout_seconds = tuning.timeout_seconds;
  if (seconds_to_deadline) {
    // A timeout of 0 means none, so a deadline that has passed is a very short one.
    double left = std::max(*seconds_to_deadline, 1e-3);
    options->stop.timeout_seconds = tuning.timeout_seconds > 0 ? std::min(tuning.timeout_seconds, left) : left;
  }
  options->data.seed = tuning.seed;
  options->latency = {tuning.latency.threads, tuning.latency.batch};
  const QuantizationSpec& quantization = tuning.quantization;
  options->excluded_operators = quantization.excluded_operators;
  if (quantization.granularities.size() == 1) options->per_channel = quantization.granularities[0] == "per_channel";
  if (!quantization.calibration_methods.empty()) {
    NS_ASSIGN_OR_RETURN(options->calibration_method, CalibrationMethodByName(quantization.calibration_methods[0]));
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
  options.approach = task.spec.approach;
  options.cores = task.cores;
  options.output = task.output_folder;
  options.force = true;  // an earlier attempt may have left its result
  TakeData(task, &options);
  NS_RETURN_IF_ERROR(TakeMetric(task.spec, &options));
  NS_RETURN_IF_ERROR(TakeTuning(task.spec.tuning, seconds_to_deadline, &options));
  return options;
}

}  // namespace ns
