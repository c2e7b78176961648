#include "worker/script_run.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "tasks/shell_words.h"
#include "worker/compressor_log.h"
#include "worker/script_model.h"
#include "worker/script_process.h"
#include "worker/script_report.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kFolders[] = {"dataset", "model"};  // beside the script: named in its arguments
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// The numbers of the result, and where they are from.
struct Figures {
  std::string metric = "accuracy";
  double accuracy = kUnknown, baseline_accuracy = kUnknown;
  double duration = 0;
  bool goal_met = false;
  std::string source;  // "the script's report"
};

class ScriptRun {
 public:
  ScriptRun(const TaskFile& task, const ScriptSetup& setup, const WorkContext& context)
      : task_(task), setup_(setup), context_(context), work_folder_(task.output_folder.parent_path()), run_folder_(work_folder_ / "script") {}

  Result<OptimizeOutcome> Run();

 private:
  Status CopyScript();
  Status RunProcess();
  Status TakeLine(std::string_view line);
  Status TellTrial(const CompressorTrial& trial);
  Status ReadReport();
  Result<fs::path> SavedModel();
  Figures Judge() const;
  Report MakeReport(const Figures& figures);
  Status Package(const fs::path& model, Report* report);

  const TaskFile& task_;
  const ScriptSetup& setup_;
  const WorkContext& context_;
  const fs::path work_folder_, run_folder_;
  std::set<fs::path> before_;
  CompressorLog log_;
  std::string last_line_;
  std::optional<ScriptReport> report_;
  std::vector<Guess> guesses_;
  SteadyTime begin_;
};

Status ScriptRun::CopyScript() {
  if (task_.script_path.empty()) return FailedPrecondition("the script was not fetched", "NO_SCRIPT");
  fs::path source = task_.script_path.parent_path();
  std::error_code error;
  fs::remove_all(run_folder_, error);
  fs::create_directories(run_folder_, error);
  for (fs::directory_iterator at(source, error), end; !error && at != end; at.increment(error)) {
    fs::path name = at->path().filename();
    bool linked = at->is_directory(error) && std::find(std::begin(kFolders), std::end(kFolders), name) != std::end(kFolders);
    if (linked) {
      fs::create_directory_symlink(at->path(), run_folder_ / name, error);
    } else {
      fs::copy(at->path(), run_folder_ / name, fs::copy_options::recursive | fs::copy_options::skip_symlinks, error);
    }
    if (error) break;
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot copy the script's folder '{}'", source.string()));
  before_ = FilesBelow(run_folder_);
  return OkStatus();
}

Status ScriptRun::TellTrial(const CompressorTrial& trial) {
  auto best = log_.Best(task_.spec.accuracy_criterion);
  bool is_best = best && best->index == trial.index;
  TrialEvent event;
  event.index = trial.index;
  event.configuration = fmt::format("neural_compressor's trial {}", trial.index);
  event.metric = "accuracy";
  event.accuracy = trial.result.accuracy;
  event.duration_seconds = trial.result.seconds;
  event.meets_criterion = event.best = is_best;
  return context_.events.Send(event);
}

Status ScriptRun::TakeLine(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
  if (line.find_first_not_of(" \t\r") != std::string_view::npos) last_line_ = line.substr(0, 500);
  switch (log_.Read(line)) {
    case CompressorLog::Line::kBaseline: {
      TrialEvent event;
      event.configuration = "fp32";
      event.metric = "accuracy";
      event.accuracy = log_.baseline()->accuracy;
      event.duration_seconds = log_.baseline()->seconds;
      return context_.events.Send(event);
    }
    case CompressorLog::Line::kTrial:
      return TellTrial(log_.trials().back());
    default:
      return OkStatus();
  }
}

Status ScriptRun::RunProcess() {
  ScriptProcess process;
  process.argv = {setup_.python.string(), task_.script_path.filename().string()};
  NS_ASSIGN_OR_RETURN(auto arguments, ScriptArguments(task_.spec.arguments, task_.script_path.parent_path()));
  process.argv.insert(process.argv.end(), arguments.begin(), arguments.end());
  process.working_folder = run_folder_;
  process.environment = {{"PYTHONUNBUFFERED", "1"},
                         {"PYTHONPATH", setup_.package_folder.string()},
                         {"NEURAL_SOLUTION_REPORT", (work_folder_ / "script_report.json").string()}};
  std::error_code ignored;
  fs::remove(work_folder_ / "script_report.json", ignored);
  NS_ASSIGN_OR_RETURN(ExitStatus exit, RunScriptProcess(process, context_.stop, [this](std::string_view line) { return TakeLine(line); }));
  if (exit.signal == 0 && exit.exit_code == 0) return OkStatus();
  std::string why = exit.signal != 0 ? fmt::format("was ended by {}", exit.ToString()) : fmt::format("ended with {}", exit.ToString());
  return FailedPrecondition(fmt::format("the script {}{}{}", why, last_line_.empty() ? "" : ": ", last_line_), "SCRIPT_FAILED");
}

Status ScriptRun::ReadReport() {
  auto text = ReadFile(work_folder_ / "script_report.json", 1 << 20);
  if (!text.ok()) return text.status().code() == StatusCode::kNotFound ? OkStatus() : text.status();
  NS_ASSIGN_OR_RETURN(report_, ParseScriptReport(*text));
  return OkStatus();
}

// Where the model is; "" when the script left none.
Result<fs::path> ScriptRun::SavedModel() {
  if (report_ && !report_->model.empty()) return fs::path(report_->model);
  if (!log_.saved().empty()) return fs::path(log_.saved());
  NS_ASSIGN_OR_RETURN(fs::path only, OnlyNewModel(run_folder_, before_));
  if (!only.empty()) guesses_.push_back({"result", only.filename().string(), "the only model file that the script wrote, and it named none"});
  return only;
}

Figures ScriptRun::Judge() const {
  Figures figures;
  auto best = log_.Best(task_.spec.accuracy_criterion);
  if (log_.baseline()) figures.baseline_accuracy = log_.baseline()->accuracy;
  if (best) {
    figures.accuracy = best->result.accuracy;
    figures.duration = best->result.seconds;
    figures.goal_met = true;
  }
  if (log_.baseline() || best) figures.source = "neural_compressor's log";
  if (report_ && report_->accuracy) {
    figures.source = "the script's report";
    figures.metric = report_->metric;
    figures.accuracy = *report_->accuracy;
    figures.baseline_accuracy = report_->baseline_accuracy.value_or(figures.baseline_accuracy);
    figures.duration = report_->duration.value_or(figures.duration);
    const CriterionSpec& criterion = task_.spec.accuracy_criterion;
    double loss = (criterion.higher_is_better.value_or(true) ? 1 : -1) * (figures.baseline_accuracy - figures.accuracy);
    figures.goal_met = loss <= criterion.tolerable_loss * (criterion.relative ? std::abs(figures.baseline_accuracy) : 1) + 1e-12;
  }
  if (report_ && report_->goal_met) figures.goal_met = *report_->goal_met;
  return figures;
}

Report ScriptRun::MakeReport(const Figures& figures) {
  Report report;
  report.goal_met = figures.goal_met;
  report.verdict = figures.source.empty() ? "The script saved a model and reported no numbers."
                                          : fmt::format("{} {:.4f}, before {:.4f}, by {}.", figures.metric, figures.accuracy,
                                                        figures.baseline_accuracy, figures.source);
  report.baseline.metric[figures.metric] = figures.baseline_accuracy;
  report.optimized.metric[figures.metric] = figures.accuracy;
  report.accuracy_difference.value = figures.accuracy - figures.baseline_accuracy;
  for (const CompressorTrial& trial : log_.trials()) {
    TrialReport row;
    row.index = trial.index;
    row.configuration = fmt::format("neural_compressor's trial {}", trial.index);
    row.metric["accuracy"] = trial.result.accuracy;
    row.seconds = trial.result.seconds;
    row.note = "read from the log";
    report.trials.push_back(row);
  }
  report.elapsed_seconds["total"] = std::chrono::duration<double>(context_.clock.steady() - begin_).count();
  report.environment = DescribeEnvironment(task_.cores, static_cast<int>(std::max<size_t>(1, task_.cores.size())));
  if (auto digest = Sha256HexOfFile(task_.script_path); digest.ok()) report.inputs.push_back({"script", task_.script_path.string(), *digest});
  report.guesses = guesses_;
  if (!figures.source.empty()) report.notes.push_back(fmt::format("The numbers are read from {}; they were not measured again.", figures.source));
  return report;
}

// The report with what is known: nothing of what only our own measurements give.
std::string KnownJson(const Report& report) {
  auto json = nlohmann::ordered_json::parse(ReportToJson(report));
  for (const char* side : {"baseline", "optimized"}) {
    for (const char* name : {"latency_ms", "peak_memory_bytes"}) json[side].erase(name);
    if (json[side]["size_bytes"] == 0) json[side].erase("size_bytes");
  }
  for (const char* name : {"low", "high"}) json["accuracy_difference"].erase(name);
  for (const char* name : {"speedup", "evaluation_rows", "full_evaluations", "partial_evaluations", "operators", "pareto"}) json.erase(name);
  return json.dump(2) + "\n";
}

Status ScriptRun::Package(const fs::path& model, Report* report) {
  NS_RETURN_IF_ERROR(context_.events.Send(StageEvent{"package"}));
  NS_ASSIGN_OR_RETURN(OutputFolder output, OutputFolder::Create(task_.output_folder, OutputFolder::Existing::kRefuse, context_.scratch));
  if (!model.empty()) NS_RETURN_IF_ERROR(TakeModel(model, run_folder_, work_folder_, before_, output.folder()));
  report->optimized.size_bytes = BytesBelow(output.folder());
  NS_RETURN_IF_ERROR(WriteFileAtomic(output.folder() / "report.json", KnownJson(*report)));
  return output.Commit();
}

Result<OptimizeOutcome> ScriptRun::Run() {
  begin_ = context_.clock.steady();
  NS_RETURN_IF_ERROR(context_.events.Send(StageEvent{"script"}));
  NS_RETURN_IF_ERROR(CopyScript());
  NS_RETURN_IF_ERROR(RunProcess());
  NS_RETURN_IF_ERROR(ReadReport());
  NS_ASSIGN_OR_RETURN(fs::path model, SavedModel());
  if (model.empty() && !report_) {
    return FailedPrecondition("the script ended well but left neither a report nor a saved model: save the model, or call neural_solution.report()",
                              "NO_RESULT");
  }
  Figures figures = Judge();
  OptimizeOutcome outcome;
  outcome.report = MakeReport(figures);
  outcome.output = task_.output_folder;
  outcome.evaluation_seconds = figures.duration;
  outcome.text = outcome.report.verdict + "\n";
  NS_RETURN_IF_ERROR(Package(model, &outcome.report));
  return outcome;
}

}  // namespace

Result<std::vector<std::string>> ScriptArguments(const std::vector<std::string>& arguments, const fs::path& script_folder) {
  std::vector<std::string> all;
  for (const std::string& argument : arguments) {
    NS_ASSIGN_OR_RETURN(auto words, SplitWords(argument));
    for (std::string& word : words) {
      for (const char* folder : kFolders) {
        std::string mark = std::string("=") + folder;
        size_t at = word.find(mark);
        bool named = at != std::string::npos && (at + mark.size() == word.size() || word[at + mark.size()] == '/');
        std::error_code ignored;
        if (named && fs::is_directory(script_folder / folder, ignored)) {
          word.replace(at + 1, mark.size() - 1, (script_folder / folder).string());
          break;
        }
      }
      all.push_back(std::move(word));
    }
  }
  return all;
}

Result<OptimizeOutcome> RunScript(const TaskFile& task, const ScriptSetup& setup, const WorkContext& context) {
  return ScriptRun(task, setup, context).Run();
}

}  // namespace ns
