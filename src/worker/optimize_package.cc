#include <algorithm>
#include <cmath>

#include "base/cpu.h"
#include "base/hash.h"
#include "data/statistics.h"
#include "worker/cache_codec.h"
#include "worker/memory_probe.h"
#include "worker/optimize_run.h"
#include "worker/session_search.h"
#include "worker/verdict.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kModelName = "model.onnx";
constexpr const char* kPackageMark = "package";

LatencyFigures Figures(const LatencyResult& latency, int64_t batch, int threads) {
  return {latency.median_ms, latency.p95_ms, static_cast<int>(batch), threads};
}

}  // namespace

Status OptimizeRun::Package() {
  if (marks_.Killed(kPackageMark) > 1) return ResourceExhausted("measuring the packaged file takes more memory than there is", "OUT_OF_MEMORY");
  WorkMarks::Mark mark = marks_.Begin(kPackageMark);
  progress_.Begin("package", 0.8, 0.82);
  NS_ASSIGN_OR_RETURN(OutputFolder output, OutputFolder::Create(options_.output, Existing(), context_.scratch));
  fs::path model = output.folder() / kModelName;
  NS_RETURN_IF_ERROR(WriteModel(output.folder()));
  NS_RETURN_IF_ERROR(ChooseSession(model));
  if (evaluator_) NS_RETURN_IF_ERROR(EvaluatePackaged(model));
  NS_RETURN_IF_ERROR(TimePackaged(model));
  NS_RETURN_IF_ERROR(MeasureMemory(output.folder()));
  NS_RETURN_IF_ERROR(ReportOperators(model));
  NS_RETURN_IF_ERROR(Conclude());
  NS_RETURN_IF_ERROR(Check());
  return Finish(output, ParetoModels::kWhereThereIsRoom);
}

// Nothing is measured again: a stop leaves a second or two, and where memory ran out there is none. `why`: "Stopped".
Status OptimizeRun::PackageSoFar(std::string_view why) {
  progress_.Begin("package", 0.8, 1);
  NS_ASSIGN_OR_RETURN(OutputFolder output, OutputFolder::Create(options_.output, Existing(), context_.scratch));
  NS_RETURN_IF_ERROR(WriteModel(output.folder()));
  DescribeBestSoFar(why);
  return Finish(output, ParetoModels::kNone);
}

// As its trial measured it; where fp32 is the best, as the baseline did.
void OptimizeRun::DescribeBestSoFar(std::string_view why) {
  const auto [values, speed] = quantized_ ? *best_so_far_ : BestSoFar{baseline_.values(), std::nullopt};
  report_.goal_met = goals_.Accepts(values);
  for (size_t i = 0; i < metrics_.size(); ++i) report_.optimized.metric[metrics_[i].name] = values[i];
  if (speed) report_.speedup = {speed->speedup, speed->low, speed->high};
  std::string fast = speed ? fmt::format("{:.2f} times as fast as fp32", speed->speedup) : "not timed";
  double difference = values[0] - goals_.goals()[0].baseline;
  report_.accuracy_difference = {difference, difference, difference, "no interval: the packaged file was not evaluated"};
  TakePareto();
  if (!quantized_) {
    report_.verdict = fmt::format("{}Kept fp32: {}. {}; as the model that was given was measured: {}.", report_.goal_met ? "" : "Goal not met. ", reason_, why,
                                  goals_.Explain(values));
    return;
  }
  report_.verdict = fmt::format("{}{}; the best so far, as its trial measured it: {}: {}; {}.", report_.goal_met ? "" : "Goal not met. ", why,
                                QuantizedLabel(label_), fast, goals_.Explain(values));
}

// Recipes and report, and the folder into its place.
Status OptimizeRun::Finish(OutputFolder& output, ParetoModels models) {
  NS_RETURN_IF_ERROR(WriteRecipe(output.folder()));
  NS_RETURN_IF_ERROR(WritePareto(output.folder(), models));
  progress_.End();
  report_.elapsed_seconds = progress_.elapsed_by_stage();
  report_.elapsed_seconds["total"] = progress_.elapsed_seconds();
  NS_RETURN_IF_ERROR(WriteFileAtomic(output.folder() / "report.json", ReportToJson(report_)));
  return output.Commit();
}

Status OptimizeRun::WriteModel(const fs::path& folder) {
  const Model& model = quantized_ ? quantized_->model : *prepared_;
  NS_RETURN_IF_ERROR(model.Save(folder / kModelName));
  if (source_->folder) NS_RETURN_IF_ERROR(CopyModelFolderFiles(source_->folder->folder, folder));
  report_.optimized.size_bytes = SizeOfModel(folder / kModelName);
  return OkStatus();
}

Status OptimizeRun::EvaluatePackaged(const fs::path& model) {
  progress_.Begin("package", 0.82, 0.9);
  bool known = !quantized_ && SecondsLeft() < baseline_.seconds;
  if (known) {
    packaged_ = baseline_;
    AddNote("the timeout leaves no time to evaluate the packaged fp32 model: the metrics are those of the original");
  } else {
    NS_RETURN_IF_ERROR(EvaluateFile(model));
  }
  if (!known && session_.optimization != "all" && !goals_.Accepts(packaged_.values())) {
    session_.optimization = "all";  // what the trial was evaluated with
    NS_RETURN_IF_ERROR(EvaluateFile(model));
  }
  std::vector<double> values = packaged_.values();
  for (size_t i = 0; i < values.size(); ++i) report_.optimized.metric[metrics_[i].name] = values[i];
  AccuracyDifference& difference = report_.accuracy_difference;
  difference.value = difference.low = difference.high = values[0] - goals_.goals()[0].baseline;
  auto interval = evaluator_->Difference(packaged_, baseline_, 0, context_.stop);
  if (!interval.ok()) {
    difference.note = fmt::format("no paired interval: {}", interval.status().message());
    return Check();
  }
  difference.low = interval->low;
  difference.high = interval->high;
  difference.note = IntervalNote(difference, goals_.goals()[0].criterion, goals_.goals()[0].baseline, packaged_.rows);
  return Check();
}

// The same bytes on the same rows need not be evaluated twice.
Status OptimizeRun::EvaluateFile(const fs::path& model) {
  bool may_be_known = cache_ && !evaluator_->compares_with_baseline() && SizeOfModel(model) == fs::file_size(model);
  std::string key;
  if (may_be_known) {
    NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(model));
    key = "file " + digest + (session_.optimization == "all" ? "" : " " + session_.optimization);
    auto text = cache_->Get(key);
    auto known = text ? EvaluationFromText(*text) : std::nullopt;
    if (known && known->metrics.size() == metrics_.size()) {
      packaged_ = *std::move(known);
      AddNote("the evaluation of the packaged file is known from an earlier run that made the same bytes");
      return OkStatus();
    }
  }
  SessionOptions options;
  options.optimization = TimedSession(latency_, session_).optimization;
  NS_ASSIGN_OR_RETURN(Session session, Session::FromFile(model, options));
  Pace pace = small_answer_ || marks_.Killed(kPackageMark) > 0 ? Pace::kSmall : Pace::kUsual;
  auto evaluation = evaluator_->Evaluate(session, progress_, context_.stop, nullptr, pace);
  if (evaluation.status().reason() == "OUT_OF_MEMORY") {
    evaluation = evaluator_->Evaluate(session, progress_, context_.stop, nullptr, Pace::kSmall);
  }
  NS_ASSIGN_OR_RETURN(packaged_, std::move(evaluation));
  ++report_.full_evaluations;
  if (may_be_known) cache_->Put(key, EvaluationToText(packaged_));
  return OkStatus();
}

Status OptimizeRun::TimePackaged(const fs::path& model) {
  progress_.Begin("package", 0.9, 0.96);
  NS_ASSIGN_OR_RETURN(Session before, Session::FromModel(source_->model, TimedSession(latency_)));
  NS_ASSIGN_OR_RETURN(Session after, Session::FromFile(model, TimedSession(latency_, session_)));
  const Session* both[] = {&before, &after};
  LatencyRun run = latency_;
  run.budget_seconds = std::min(run.budget_seconds, std::max(SecondsLeft(), 0.01));
  NS_ASSIGN_OR_RETURN(auto latencies, MeasureSessions(both, rows_, run, progress_, context_.stop));
  report_.baseline.latency_ms = Figures(latencies[0], timed_batch_, latency_.threads);
  report_.optimized.latency_ms = Figures(latencies[1], timed_batch_, session_.threads > 0 ? session_.threads : latency_.threads);
  report_.session = session_;
  report_.speedup = {latencies[1].speedup.value, latencies[1].speedup.low, latencies[1].speedup.high};
  return Check();
}

Status OptimizeRun::MeasureMemory(const fs::path& folder) {
  progress_.Begin("package", 0.96, 0.98);
  MemoryProbe probe{context_.program, folder, latency_.threads};
  auto measure = [&](const fs::path& model, uint64_t* bytes) -> Status {
    auto peak = MeasurePeakMemory(probe, model, rows_.at(0), context_.stop);
    if (peak.ok()) {
      *bytes = *peak;
    } else if (peak.status().code() == StatusCode::kCancelled) {
      return peak.status();
    } else {
      AddNote(fmt::format("peak memory is missing: {}", peak.status().message()));
    }
    return OkStatus();
  };
  NS_RETURN_IF_ERROR(measure(source_->onnx, &report_.baseline.peak_memory_bytes));
  return measure(folder / kModelName, &report_.optimized.peak_memory_bytes);
}

Status OptimizeRun::Conclude() {
  if (!report_.trials.empty()) report_.trials[0].latency_ms = report_.baseline.latency_ms.median;
  // Each was timed in minutes of its own: only what it gained over fp32 then compares it with the others.
  for (TrialReport& trial : report_.trials) {
    auto speedup = speedups_.find(trial.index);
    if (speedup != speedups_.end() && speedup->second > 0) trial.latency_ms = report_.baseline.latency_ms.median / speedup->second;
  }
  if (quantized_ && report_.speedup.low <= 1) {
    for (std::string& why : WhyNotFaster(quantized_->decisions, report_.baseline.latency_ms.median, ThisCpu().vnni))
      AddNote(std::move(why));
  }
  if (!data_) {
    report_.verdict =
        fmt::format("Replayed the recipe ({}) without data: {:.2f} times the speed of fp32, accuracy not measured.",
                    quantized_ ? label_ : "fp32", report_.speedup.median);
    report_.goal_met = true;
    return OkStatus();
  }
  TakePareto();
  report_.goal_met = goals_.Accepts(packaged_.values());
  VerdictInput input;
  input.goals = goals_;
  input.values = packaged_.values();
  input.kept_float = !quantized_;
  input.label = label_;
  input.reason = reason_;
  input.advice = advice_;
  if (session_ != UsualSettings(latency_)) input.session = SessionSettingsText(session_);
  input.speedup = report_.speedup;
  input.float_bytes = report_.baseline.size_bytes;
  input.optimized_bytes = report_.optimized.size_bytes;
  report_.verdict = Verdict(input);
  if (!reason_.empty()) report_.notes.push_back(reason_);
  return OkStatus();
}

Status OptimizeRun::WriteRecipe(const fs::path& folder) {
  Recipe recipe;
  recipe.model_sha256 = model_sha256_;
  recipe.label = quantized_ ? label_ : "fp32";
  recipe.keep_float = !quantized_;
  if (quantized_) {
    recipe.config = *config_;
    NS_ASSIGN_OR_RETURN(recipe.facts, quantizer_->Facts(*config_));
  }
  recipe.session = report_.session;
  NS_ASSIGN_OR_RETURN(recipe.result_sha256, Sha256HexOfFile(folder / kModelName));
  recipe.made_by = report_.environment.versions;
  if (recipe_ && recipe_->result_sha256 != recipe.result_sha256) {
    progress_.Warn(
        "the recipe gave another file than the one it was written for (SHA-256 differs); it was made by another "
        "version");
    report_.notes.push_back("the replayed model differs from the recipe's (SHA-256)");
  }
  return WriteFileAtomic(folder / "recipe.json", RecipeToJson(recipe));
}

}  // namespace ns
