#include "app/neural_solution_worker_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "app/team_command_line.h"
#include "cli/describe/describe_app.h"
#include "data/metrics/registry.h"
#include "worker/memory_probe.h"

namespace ns {

namespace {

// What CLI11 fills before it is checked and converted.
struct Raw {
  std::string approach = "auto";
  std::string quantize_approach = "static";
  std::string criterion = "relative";
  std::string method;
  std::string cores;
  std::string text, text_pair, label;
  std::string higher_is_better;
  std::vector<std::string> inputs;
  std::vector<std::string> shapes;
  std::vector<std::string> metrics, objectives, without;
  bool no_cache = false;
  int64_t calibration_samples = 0, evaluation_samples = 0;
  std::vector<std::string> tuning;     // options given that say how to tune
  std::vector<std::string> diagnosis;  // options of inspect given that need data
};

// `word` as one of `known`, else an error that suggests the nearest.
Status CheckName(std::string_view what, const std::string& word, const std::vector<std::string>& known,
                 std::string reason) {
  std::string list;
  for (const std::string& name : known) {
    if (name == word) return OkStatus();
    list += (list.empty() ? "" : ", ") + name;
  }
  std::string nearest = NearestName(word, known);
  std::string hint = nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest);
  return InvalidArgument(fmt::format("unknown {} '{}'; {}known are {}", what, word, hint, list), std::move(reason));
}

const std::vector<std::string>& CalibrationMethods() {
  static const std::vector<std::string> names = {"minmax", "moving_average", "entropy", "percentile", "mse"};
  return names;
}

Status ParseShapes(const std::vector<std::string>& texts, std::map<std::string, Shape>* shapes) {
  for (const std::string& text : texts) {
    NS_ASSIGN_OR_RETURN(auto shape, ParseInputShape(text));
    shapes->insert(std::move(shape));
  }
  return OkStatus();
}

void AddDataOptions(CLI::App* command, DataOptions& data, Raw& raw) {
  command->add_option("--calibration", data.calibration,
                      "Rows to calibrate with: a second data set, or a row range of the first (0:200)");
  command->add_option("--calibration-samples", raw.calibration_samples, "Rows to calibrate with (100)")
      ->check(CLI::PositiveNumber);
  command->add_option("--evaluation-samples", raw.evaluation_samples, "Rows to evaluate (all that do not calibrate)")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", data.batch_size, "Rows of one evaluation run (the model's own batch, else 1)")
      ->check(CLI::PositiveNumber);
  command->add_option("--text", raw.text, "Column of the text");
  command->add_option("--text-pair", raw.text_pair, "Column of the second text");
  command->add_option("--label", raw.label, "Column or array of the labels");
  command->add_option("--input", raw.inputs, "Which array or column feeds which model input: ARRAY=INPUT")->take_all();
  command->add_option("--seed", data.seed, "Which rows are split off (0)");
}

// What is quantized and how, and where it runs: of optimize and inspect.
void AddPlanOptions(CLI::App* command, OptimizeOptions& options, Raw& raw) {
  command->add_option("--calibration-method", raw.method,
                      "minmax, moving_average, entropy, percentile or mse (optimize: the tuner's choice, inspect: minmax)");
  command
      ->add_option("--exclude", options.tuning.excluded_operators,
                   "Operator name or type that stays in float; may be repeated")
      ->take_all();
  command->add_option("--threads", options.threads, "Threads of evaluation and calibration (one a core)")
      ->check(CLI::PositiveNumber);
  command->add_option("--latency-threads", options.latency.threads, "Threads of a timed run (as many as cores)")
      ->check(CLI::PositiveNumber);
  command->add_option("--latency-batch", options.latency.batch, "Rows of a timed run (1)")->check(CLI::PositiveNumber);
  command->add_option("--cores", raw.cores, "Processors to run on: 0,2-3 (all)");
}

void AddOptimize(CLI::App& app, WorkerCommandLine& line, Raw& raw) {
  OptimizeOptions& options = line.optimize;
  MetricRequest& metric = options.metrics[0];
  TuningOptions& tuning = options.tuning;
  CLI::App* command = app.add_subcommand("optimize", "Find the fastest model that keeps the accuracy");
  command->add_option("MODEL", options.model, "A .onnx file, a Hugging Face folder, or a model of its hub: owner/name[@revision]")->required();
  command->add_option("--data", options.data.path, "Rows to evaluate: .npz, .csv, .tsv, .jsonl");
  AddDataOptions(command, options.data, raw);
  command
      ->add_option("--metric", raw.metrics,
                   "accuracy, f1, ... (chosen by model and labels); may be repeated, then each must hold; NAME=LOSS gives "
                   "one a tolerable loss of its own")
      ->take_all();
  command->add_option("--approach", raw.approach, "auto, static or dynamic (auto: both, the faster wins)");
  command->add_option("--tolerable-loss", metric.criterion.tolerable_loss, "Largest accepted loss (0.01)");
  command->add_option("--criterion", raw.criterion, "relative (to fp32's value) or absolute (relative)");
  command->add_option("--higher-is-better", raw.higher_is_better, "true or false (the metric's own sense)");
  AddPlanOptions(command, options, raw);
  AddWorkersOption(command, &line.lead);
  command
      ->add_option("--timeout", tuning.stop.timeout_seconds,
                   "Seconds for all (0: no limit); the best so far is the answer")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--max-trials", tuning.stop.max_trials, "Full evaluations beside the baseline's (100)")
      ->check(CLI::PositiveNumber);
  command->add_option("--strategy", tuning.strategy, "How to search (auto); docs/tuning.md has the list");
  command
      ->add_option("--objective", raw.objectives,
                   "performance, size or memory (performance); several with weights: performance=2 size=1")
      ->take_all();
  command->add_flag("--no-cache", raw.no_cache, "Neither look up nor keep what tuning found out (kept in ~/.cache/neural_solution)");
  command->add_flag("--stop-at-goal", tuning.stop_at_goal, "End with the first model that is good enough");
  command->add_option("--without", raw.without, "Recipe that is not tried: smooth_quant, equalization, bias_correction; may be repeated")
      ->take_all();
  command->add_option("--dtype", tuning.dtypes, "Type that operators may take beside fp32: int8, int4, fp32; may be repeated (all)")->take_all();
  command->add_option("--recipe", options.recipe, "Replay this recipe.json instead of tuning");
  command->add_flag("--dry-run", options.dry_run, "Check everything, say what would be done, write nothing");
  command->add_flag("--json", line.json, "Events as JSON lines on standard output");
  command->add_flag("--force", options.force, "Replace an earlier result in OUT");
  command->add_option("-o,--output", options.output, "Folder of the result (<model>-optimized)");
  command->callback([&line, &raw, command] {
    line.command = WorkerCommand::kOptimize;
    for (const char* name : {"--approach", "--calibration-method", "--exclude", "--max-trials", "--timeout", "--strategy", "--objective",
                             "--stop-at-goal", "--without", "--dtype"})
      if (command->count(name) > 0) raw.tuning.emplace_back(name);
  });
}

void AddQuantize(CLI::App& app, WorkerCommandLine& line, Raw& raw) {
  QuantizeOnceOptions& options = line.quantize;
  CLI::App* command = app.add_subcommand("quantize", "Quantize in one shot: no evaluation, no timing");
  command->add_option("MODEL", options.model, "A .onnx file, a Hugging Face folder, or a model of its hub: owner/name[@revision]")->required();
  command->add_option("--data", options.data, "Rows to calibrate with (static)");
  command->add_option("--approach", raw.quantize_approach, "static or dynamic (static)");
  command->add_option("--calibration-method", raw.method,
                      "minmax, moving_average, entropy, percentile or mse (minmax)");
  command->add_option("--calibration-samples", options.samples, "The first so many rows calibrate (100)")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", options.batch_size, "Rows of one calibration run (the model's own batch, else 1)")
      ->check(CLI::PositiveNumber);
  command->add_option("--threads", options.threads, "Threads of calibration (one a core)")->check(CLI::PositiveNumber);
  command->add_flag("--json", line.json, "The figures as JSON on standard output");
  command->add_flag("--force", options.force, "Replace the file if it is there");
  command->add_option("-o,--output", options.output, "The .onnx file to write")->required();
  command->callback([&line] { line.command = WorkerCommand::kQuantize; });
}

void AddBenchmark(CLI::App& app, WorkerCommandLine& line, Raw& raw) {
  BenchmarkOptions& options = line.benchmark;
  CLI::App* command = app.add_subcommand("benchmark", "Latency of a model, or of two beside each other");
  command->add_option("MODEL", options.model, "A .onnx file, a Hugging Face folder, or a model of its hub: owner/name[@revision]")->required();
  command->add_option("MODEL2", options.other, "Timed interleaved with the first");
  command->add_option("--data", options.data, "Rows to run (made-up inputs)");
  command->add_option("--shape", raw.shapes, "Shape of a made-up input: NAME=1,3,224,224; may be repeated")->take_all();
  command->add_option("--free-size", options.free_size, "Size of an input's free axes but the first (128, or half of it and so on where the model does not run)")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", options.latency.batch, "Rows of a run (1)")->check(CLI::PositiveNumber);
  command->add_option("--threads", options.latency.threads, "Threads of a run (as many as cores)")
      ->check(CLI::PositiveNumber);
  command->add_option("--cores", raw.cores, "Processors to run on: 0,2-3 (all)");
  command->add_option("--recipe", options.recipe, "The last model runs with the session settings of this recipe.json");
  command->add_option("--seconds", options.budget_seconds, "Time to measure (10)")->check(CLI::PositiveNumber);
  command->add_flag("--json", line.json, "The figures as JSON on standard output");
  command->callback([&line] { line.command = WorkerCommand::kBenchmark; });
}

void AddInspect(CLI::App& app, WorkerCommandLine& line, Raw& raw) {
  OptimizeOptions& options = line.optimize;
  CLI::App* command = app.add_subcommand("inspect", "What a model is made of and what would be quantized; with --data, which operators that hurts");
  command->add_option("MODEL", options.model, "A .onnx file, a Hugging Face folder, or a model of its hub: owner/name[@revision]")->required();
  command->add_option("--data", options.data.path, "Rows to diagnose with: .npz, .csv, .tsv, .jsonl");
  AddDataOptions(command, options.data, raw);
  AddPlanOptions(command, options, raw);
  command->add_option("--approach", raw.approach, "auto, static or dynamic (auto: static where an operator can be)");
  command->add_flag("--all", line.all, "All operators, not the 20 most harmful");
  command->add_flag("--json", line.json, "As JSON");
  command->add_option("--html", line.html, "Write a page with pictures to this file");
  command->add_option("--svg", line.svg, "Write a picture of the most harmful operators to this file");
  command->callback([&line, &raw, command] {
    line.command = WorkerCommand::kInspect;
    for (const CLI::Option* option : command->get_options({}))
      if (option->count() > 0 && option->get_name() != "--json" && option->get_name() != "MODEL") raw.diagnosis.push_back(option->get_name());
  });
}

void AddOthers(CLI::App& app, WorkerCommandLine& line, Raw& raw) {
  CLI::App* make = app.add_subcommand("export", "Turn the weights of a Hugging Face folder into ONNX, without Python");
  make->add_option("FOLDER", line.exported, "Folder with config.json and model.safetensors or pytorch_model.bin")->required();
  make->add_flag("--force", line.force, "Replace a file that is there");
  make->add_option("-o,--output", line.export_to, "File to write (FOLDER/onnx/model.onnx)");
  make->callback([&line] { line.command = WorkerCommand::kExport; });
  CLI::App* lead = app.add_subcommand("lead", "Run a task of the service");
  lead->add_option("--task-folder", line.task_folder, "Folder with task.json")->required();
  lead->add_option("--python", line.script.python, "Python for a script task");
  lead->add_option("--package-folder", line.script.package_folder, "Folder with our Python package, for a script task");
  AddLeadOptions(lead, &line.lead);
  lead->callback([&line] { line.command = WorkerCommand::kLead; });
  CLI::App* assist = app.add_subcommand("assist", "Help the lead of a task of the service");
  AddAssistOptions(assist, &line.assist, &raw.cores);
  assist->callback([&line] { line.command = WorkerCommand::kAssist; });
  CLI::App* memory = app.add_subcommand("measure-memory", "");
  memory->group("");  // ours alone: not in the help
  memory->add_option("MODEL", line.measured)->required();
  memory->add_option("--shape", raw.shapes)->take_all();
  memory->add_option("--threads", line.threads);
  memory->callback([&line] { line.command = WorkerCommand::kMeasureMemory; });
}

// "name" or "name=number".
Result<std::pair<std::string, std::optional<double>>> NameAndNumber(std::string_view option, const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos) return std::pair(text, std::optional<double>());
  double number = 0;
  const char* begin = text.data() + equals + 1;
  const char* end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stopped != end || !std::isfinite(number)) {
    return InvalidArgument(fmt::format("{} '{}' is neither NAME nor NAME=NUMBER", option, text), "BAD_USAGE");
  }
  return std::pair(text.substr(0, equals), std::optional(number));
}

// Each metric as the first, whose criterion the other options say, but for its own loss.
Status FinishMetrics(const Raw& raw, OptimizeOptions* options) {
  if (raw.metrics.empty()) return OkStatus();
  std::vector<std::string> known;
  for (const MetricEntry& entry : MetricTable()) known.emplace_back(entry.name);
  MetricRequest common = options->metrics[0];
  options->metrics.clear();
  for (const std::string& text : raw.metrics) {
    NS_ASSIGN_OR_RETURN(auto parsed, NameAndNumber("--metric", text));
    NS_RETURN_IF_ERROR(CheckName("metric", parsed.first, known, "UNKNOWN_METRIC"));
    for (const MetricRequest& other : options->metrics)
      if (other.name == parsed.first) return InvalidArgument(fmt::format("--metric {} is given twice", parsed.first), "BAD_USAGE");
    options->metrics.push_back(common);
    options->metrics.back().name = parsed.first;
    if (parsed.second) options->metrics.back().criterion.tolerable_loss = *parsed.second;
  }
  return OkStatus();
}

Status FinishTuning(const Raw& raw, TuningOptions* tuning) {
  NS_RETURN_IF_ERROR(CheckName("strategy", tuning->strategy, KnownStrategies(), "UNKNOWN_STRATEGY"));
  if (!raw.objectives.empty()) tuning->objective.performance = 0;
  for (const std::string& text : raw.objectives) {
    NS_ASSIGN_OR_RETURN(auto parsed, NameAndNumber("--objective", text));
    NS_RETURN_IF_ERROR(CheckName("objective", parsed.first, {"performance", "size", "memory"}, "UNKNOWN_OBJECTIVE"));
    double weight = parsed.second.value_or(1);
    if (!(weight > 0)) return InvalidArgument(fmt::format("the weight of --objective '{}' must be above 0", text), "BAD_USAGE");
    (parsed.first == "size" ? tuning->objective.size : parsed.first == "memory" ? tuning->objective.memory : tuning->objective.performance) += weight;
  }
  for (const std::string& recipe : raw.without) {
    NS_RETURN_IF_ERROR(CheckName("recipe", recipe, {"smooth_quant", "equalization", "bias_correction"}, "UNKNOWN_RECIPE"));
    tuning->recipes[recipe] = false;
  }
  for (const std::string& dtype : tuning->dtypes) NS_RETURN_IF_ERROR(CheckName("type", dtype, KnownDtypes(), "UNKNOWN_DTYPE"));
  std::string conflict = DtypesConflict(tuning->approach, tuning->dtypes);
  if (!conflict.empty()) return InvalidArgument("--dtype " + conflict, "BAD_USAGE");
  return OkStatus();
}

// What AddDataOptions() and AddPlanOptions() have read, and the approach.
Status FinishPlan(const Raw& raw, OptimizeOptions* options) {
  NS_RETURN_IF_ERROR(CheckName("approach", raw.approach, {"auto", "static", "dynamic"}, "UNKNOWN_APPROACH"));
  options->tuning.approach = raw.approach == "auto"     ? Approach::kAuto
                             : raw.approach == "static" ? Approach::kStatic
                                                        : Approach::kDynamic;
  if (!raw.method.empty()) {
    NS_RETURN_IF_ERROR(CheckName("calibration method", raw.method, CalibrationMethods(), "UNKNOWN_CALIBRATION_METHOD"));
    NS_ASSIGN_OR_RETURN(CalibrationMethod method, CalibrationMethodByName(raw.method));
    options->tuning.calibration_methods = {method};
  }
  if (!raw.cores.empty()) {
    NS_ASSIGN_OR_RETURN(options->cores, ParseCores(raw.cores));
  }
  if (raw.calibration_samples > 0) options->data.calibration_samples = raw.calibration_samples;
  if (raw.evaluation_samples > 0) options->data.evaluation_samples = raw.evaluation_samples;
  options->data.columns = {raw.text, raw.text_pair, raw.label, {}};
  for (const std::string& pair : raw.inputs) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return InvalidArgument(fmt::format("--input '{}' is not of the form ARRAY=INPUT", pair), "BAD_USAGE");
    }
    options->data.columns.inputs[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return OkStatus();
}

Status FinishOptimize(const Raw& raw, OptimizeOptions* options) {
  NS_RETURN_IF_ERROR(FinishPlan(raw, options));
  NS_RETURN_IF_ERROR(CheckName("criterion", raw.criterion, {"relative", "absolute"}, "UNKNOWN_CRITERION"));
  MetricRequest& metric = options->metrics[0];
  NS_ASSIGN_OR_RETURN(metric.criterion.kind, CriterionKindByName(raw.criterion));
  for (auto [option, value] : {std::pair{"--tolerable-loss", metric.criterion.tolerable_loss}, std::pair{"--timeout", options->tuning.stop.timeout_seconds}}) {
    if (!std::isfinite(value)) return InvalidArgument(fmt::format("{} is {}, expected a finite number", option, value), "BAD_USAGE");
  }
  if (!raw.higher_is_better.empty()) {
    NS_RETURN_IF_ERROR(CheckName("value of --higher-is-better", raw.higher_is_better, {"true", "false"}, "BAD_USAGE"));
    metric.higher_is_better = raw.higher_is_better == "true";
  }
  NS_RETURN_IF_ERROR(FinishMetrics(raw, options));
  NS_RETURN_IF_ERROR(FinishTuning(raw, &options->tuning));
  if (!raw.no_cache) options->cache.write = UserCacheFolder();
  if (!options->recipe.empty() && !raw.tuning.empty()) {
    return InvalidArgument(fmt::format("{0} says how to tune, and --recipe replays what was decided before: leave out "
                                       "{0}, or --recipe to tune anew",
                                       raw.tuning[0]),
                           "BAD_USAGE");
  }
  if (options->data.path.empty() && options->recipe.empty()) {
    return InvalidArgument("no data given; name a .npz, .csv, .tsv or .jsonl file with --data", "NO_DATA_GIVEN");
  }
  return OkStatus();
}

Status FinishInspect(const Raw& raw, OptimizeOptions* options) {
  if (options->data.path.empty() && !raw.diagnosis.empty())
    return InvalidArgument(fmt::format("{} needs data; name a .npz, .csv, .tsv or .jsonl file with --data", raw.diagnosis[0]), "NO_DATA_GIVEN");
  return FinishPlan(raw, options);
}

Status FinishQuantize(const Raw& raw, QuantizeOnceOptions* options) {
  NS_RETURN_IF_ERROR(CheckName("approach", raw.quantize_approach, {"static", "dynamic"}, "UNKNOWN_APPROACH"));
  NS_ASSIGN_OR_RETURN(options->mode, OpModeByName(raw.quantize_approach));
  if (raw.method.empty()) return OkStatus();
  NS_RETURN_IF_ERROR(CheckName("calibration method", raw.method, CalibrationMethods(), "UNKNOWN_CALIBRATION_METHOD"));
  NS_ASSIGN_OR_RETURN(options->method, CalibrationMethodByName(raw.method));
  return OkStatus();
}

Status Finish(const Raw& raw, WorkerCommandLine* line) {
  switch (line->command) {
    case WorkerCommand::kOptimize:
      return FinishOptimize(raw, &line->optimize);
    case WorkerCommand::kInspect:
      return FinishInspect(raw, &line->optimize);
    case WorkerCommand::kQuantize:
      return FinishQuantize(raw, &line->quantize);
    case WorkerCommand::kBenchmark:
      if (!raw.cores.empty()) {
        NS_ASSIGN_OR_RETURN(line->benchmark.cores, ParseCores(raw.cores));
      }
      return ParseShapes(raw.shapes, &line->benchmark.shapes);
    case WorkerCommand::kMeasureMemory:
      return ParseShapes(raw.shapes, &line->shapes);
    case WorkerCommand::kLead:
      return CheckLeadOptions(line->lead);
    case WorkerCommand::kAssist:
      if (!raw.cores.empty()) {
        NS_ASSIGN_OR_RETURN(line->assist.cores, ParseCores(raw.cores));
      }
      return OkStatus();
    case WorkerCommand::kExport:
    case WorkerCommand::kHelp:
      return OkStatus();
  }
  return OkStatus();
}

}  // namespace

Result<WorkerCommandLine> ParseWorkerCommandLine(int argc, const char* const* argv) {
  WorkerCommandLine line;
  Raw raw;
  CLI::App app("Makes models faster in low precision while keeping their accuracy.", "neural_solution_worker");
  app.require_subcommand(1);
  AddOptimize(app, line, raw);
  AddQuantize(app, line, raw);
  AddBenchmark(app, line, raw);
  AddInspect(app, line, raw);
  AddOthers(app, line, raw);
  CLI::App* describe = app.add_subcommand("describe", "");  // for the completion and the manual page of neural_solution
  describe->group("");
  describe->callback([&] { line.help = CommandsToText(DescribeCommands(app)); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.command = WorkerCommand::kHelp;
    auto chosen = app.get_subcommands();
    line.help = chosen.empty() ? app.help() : chosen[0]->help();
    return line;
  } catch (const CLI::ParseError& error) {
    return InvalidArgument(fmt::format("{}; see --help", error.what()), "BAD_USAGE");
  }
  NS_RETURN_IF_ERROR(Finish(raw, &line));
  return line;
}

}  // namespace ns
