#include "cli/submit_options.h"

#include "tasks/task_spec.h"

namespace ns {

namespace {

bool TakesMany(RequestValue kind) {
  switch (kind) {
    case RequestValue::kText:
    case RequestValue::kNumber:
    case RequestValue::kBool: return false;
    default: return true;
  }
}

RequestOption Flag(std::string names, RequestField field, std::string help) {
  RequestOption option{std::move(names), "", std::move(field), std::move(help)};
  option.flag = true;
  return option;
}

}  // namespace

std::deque<RequestOption> RequestOptions() {
  using enum RequestValue;
  return {
      {"--model", "PATH", {"model", kText, {}}, ".onnx file or Hugging Face folder: below the service's --upload_path, an address, or upload:<id>"},
      {"--dataset,--data", "PATH", {"dataset", kText, {}}, "Rows to evaluate with, given as the model"},
      {"--calibration", "PATH", {"dataset.calibration", kText, {}}, "Rows to calibrate with: a path, or a range such as 0:200 (some are split off)"},
      {"--calibration-samples", "N", {"dataset.calibration_samples", kNumber, {}}, "Rows to calibrate with (100)"},
      {"--evaluation-samples", "N", {"dataset.evaluation_samples", kNumber, {}}, "Rows to evaluate (all that do not calibrate)"},
      {"--batch-size", "N", {"dataset.batch_size", kNumber, {}}, "Rows of one evaluation run (the model's own batch, else 1)"},
      {"--text", "COLUMN", {"dataset.columns.text", kText, {}}, "Column of the text"},
      {"--text-pair", "COLUMN", {"dataset.columns.text_pair", kText, {}}, "Column of the second text"},
      {"--label", "COLUMN", {"dataset.columns.label", kText, {}}, "Column or array of the labels"},
      {"--input", "ARRAY=INPUT", {"dataset.columns.inputs", kSources, {}}, "Which array or column feeds which model input; may be repeated"},
      {"--script,--script-url", "PATH", {"script_url", kText, {}},
       "Instead of a model, a script: a folder below the service's --upload_path that holds one .py, or an address"},
      Flag("--optimized", {"optimized", kBool, {"true"}}, "The script calls an optimizer itself"),
      {"--requirement", "SPEC", {"requirements", kTexts, {}}, "pip requirement of the script; may be repeated"},
      {"--metric", "NAME", {"metric", kMetrics, {}}, "accuracy, f1, mse, ..., or a JSON object (chosen by the data); may be repeated"},
      {"--criterion", "", {"accuracy_criterion.criterion", kText, {}}, "What the loss is: relative to the baseline, or absolute (relative)",
       {"relative", "absolute"}},
      {"--tolerable-loss", "LOSS", {"accuracy_criterion.tolerable_loss", kNumber, {}}, "Largest accepted loss (0.01)"},
      {"--higher-is-better", "", {"accuracy_criterion.higher_is_better", kBool, {}}, "Sense of the metric (its own)", {"true", "false"}},
      {"--approach", "", {"approach", kText, {}}, "Kind of quantization (auto: both, the faster wins; a script's: static)",
       {"auto", "static", "static_ipex", "dynamic"}},
      {"--strategy", "", {"tuning.strategy", kText, {}}, "How the tuner searches (auto)", KnownStrategies()},
      {"--max-trials", "N", {"tuning.max_trials", kNumber, {}}, "Full evaluations beside the baseline's (100)"},
      {"--timeout", "SECONDS", {"tuning.timeout", kNumber, {}}, "How long the tuning may take (0: no limit)"},
      {"--objective", "NAME[=WEIGHT]", {"tuning.objective", kObjectives, {}}, "performance, size or memory (performance); may be repeated"},
      {"--latency-threads", "N", {"tuning.latency.threads", kNumber, {}}, "Threads of a timed run (the slot's cores)"},
      {"--latency-batch", "N", {"tuning.latency.batch", kNumber, {}}, "Rows of a timed run (1)"},
      {"--dtype", "", {"tuning.quantization.dtypes", kTexts, {}}, "Type that operators may take beside fp32; may be repeated (all)", KnownDtypes()},
      {"--granularity", "", {"tuning.quantization.granularities", kTexts, {}}, "Only this granularity; may be repeated", {"per_channel", "per_tensor"}},
      {"--calibration-method", "", {"tuning.quantization.calibration_methods", kTexts, {}}, "Only this method; may be repeated", KnownCalibrationMethods()},
      {"--exclude", "OPERATOR", {"tuning.quantization.excluded_operators", kTexts, {}}, "Operator name or type that stays in float; may be repeated"},
      {"--use-recipe", "NAME[=false]", {"tuning.recipes", kBoolMap, {}}, "Switch a recipe of the tuner on or off; may be repeated"},
      {"--seed", "N", {"tuning.seed", kNumber, {}}, "Which rows are split off (0)"},
      Flag("--no-cache", {"tuning.cache", kBool, {"false"}}, "Take no result of an earlier task"),
      Flag("--stop-at-goal", {"tuning.stop_at_goal", kBool, {"true"}}, "Take the first model that keeps the accuracy"),
      {"--workers", "N", {"workers", kNumber, {}}, "Workers that tune side by side (1)"},
      {"--priority", "N", {"priority", kNumber, {}}, "1 (the highest) to 3 (2)"},
      {"--deadline", "WHEN", {"deadline", kNumber, {}}, "Seconds from now, or a time as 2026-01-31T12:00:00Z: the best so far is the answer then"},
      {"--name", "TEXT", {"name", kText, {}}, "Name to find the task by"},
      {"--labels", "NAME=VALUE", {"labels", kTextMap, {}}, "Label to find the task by; may be repeated"},
      {"--idempotency-key", "TEXT", {"idempotency_key", kText, {}}, "The same key again returns the same task"},
      {"--webhook", "URL", {"webhook", kText, {}}, "Address that gets the final status"},
      {"", "", {"arguments", kWords, {}}, "After --: the script's command line"},
  };
}

void AddRequestOptions(Command& command, std::deque<RequestOption>* options) {
  for (RequestOption& option : *options) {
    if (option.names.empty()) {
      command.Rest("arguments", &option.field.values, option.help);
    } else if (option.flag) {
      command.Flag(option.names, &option.given, option.help);
    } else if (TakesMany(option.field.kind)) {
      command.List(option.names, &option.field.values, option.help, option.choices);
    } else if (option.choices.empty()) {
      command.Option(option.names, &option.text, option.help);
    } else {
      command.Choice(option.names, &option.text, option.choices, option.help);
    }
    if (!option.value.empty()) command.ValueName(option.value);
  }
}

std::vector<RequestField> GivenFields(const std::deque<RequestOption>& options) {
  std::vector<RequestField> fields;
  for (const RequestOption& option : options) {
    RequestField field = option.field;
    if (option.flag && !option.given) continue;
    if (!option.text.empty()) field.values = {option.text};
    if (!field.values.empty()) fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<RequestOption*> FileOptions(std::deque<RequestOption>* options) {
  std::vector<RequestOption*> files;
  for (RequestOption& option : *options) {
    if (option.value == "PATH" && option.field.path != "script_url") files.push_back(&option);
  }
  return files;
}

}  // namespace ns
