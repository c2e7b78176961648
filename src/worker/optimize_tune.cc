#include <algorithm>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/memory_probe.h"
#include "worker/operator_shares.h"
#include "worker/optimize_run.h"
#include "worker/tuning_space.h"

namespace ns {

namespace {

constexpr size_t kProfileRows = 3;
constexpr double kMoreRuns = 17;  // of the packaged models beside their timing: 6 for memory, 11 in profiles
constexpr int kCacheVersion = 3;          // entries with another meaning, or known to be wrong, are not read
constexpr double kClosingOverhead = 0.6;  // seconds: files, memory, the operators' table
constexpr double kQuantized = 0.7;        // of the baseline's evaluation

// A folder that goes at its end, and when the process is stopped before.
class ScratchFolder {
 public:
  static Result<ScratchFolder> Create(std::string_view prefix, ScratchFolders& all) {
    NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create(prefix));
    return ScratchFolder(std::move(folder), all);
  }
  ~ScratchFolder() {
    if (!folder_.path().empty()) all_->Remove(folder_.path());
  }
  ScratchFolder(ScratchFolder&&) noexcept = default;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  ScratchFolder(TempDir folder, ScratchFolders& all) : folder_(std::move(folder)), all_(&all) { all.Add(folder_.path()); }

  TempDir folder_;
  ScratchFolders* all_;
};

}  // namespace

// All that a result depends on beside the configuration.
void OptimizeRun::OpenCache() {
  if (options_.cache.write.empty() && options_.cache.read.empty()) return;
  std::string context = fmt::format("version {}\n", kCacheVersion);
  for (const InputReport& input : report_.inputs) context += fmt::format("{} {}\n", input.role, input.sha256);
  context += fmt::format("rows {} calibration {} batch {}\n", fmt::join(data_->split.evaluation, ","),
                         fmt::join(data_->split.calibration, ","), options_.data.batch_size);
  const ColumnOptions& columns = options_.data.columns;
  context += fmt::format("columns {} {} {}", columns.text, columns.text_pair, columns.label);
  for (const auto& [array, input] : columns.inputs) context += fmt::format(" {}={}", array, input);
  for (const MetricRequest& metric : metrics_) {
    context += fmt::format("\nmetric {} {} {} {}", metric.name, metric.options.positive_label, metric.options.ignore_label,
                           metric.options.label_shift);
  }
  for (const auto& [name, version] : report_.environment.versions) context += fmt::format("\n{} {}", name, version);
  context += fmt::format("\n{} {}\nlatency {} {} of {}, {} threads\n", report_.environment.cpu, report_.environment.cpu_features,
                         latency_.threads, options_.latency.batch, latency_.cores.size(), options_.threads);
  cache_.emplace(options_.cache, "digest " + Sha256Hex(context) + " ");
}

TuningSpace OptimizeRun::Space() {
  if (!quantizer_) return {};
  std::string why;
  RowsPerRun products;
  if (data_) {
    auto inputs = LatencyRows(*data_->evaluation, data_->split.evaluation, options_.latency.batch, 1);
    if (inputs.ok()) products = CountRows(*prepared_, inputs->at(0));
  }
  TuningSpace space = MakeTuningSpace(*quantizer_, options_.tuning, products, &why);
  if (!why.empty()) AddNote(why);
  return space;
}

// What each operator takes of the prepared model's run.
Result<std::map<std::string, double>> OptimizeRun::FloatShares() {
  NS_ASSIGN_OR_RETURN(ScratchFolder folder, ScratchFolder::Create("ns-profile-", context_.scratch));
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*data_->evaluation, data_->split.evaluation, options_.latency.batch, kProfileRows));
  NS_ASSIGN_OR_RETURN(auto nodes, ProfileNodes(*prepared_, TimedSession(latency_), rows, folder.path(), context_.stop));
  return OperatorShares(nodes, quantizer_->Decisions(AllInFloat()), prepared_->graph());
}

TuningSession::Options OptimizeRun::TuningOptionsOf(TuningSpace space) const {
  TuningSession::Options tuning;
  tuning.problem.space = std::move(space);
  tuning.problem.goals = goals_;
  tuning.problem.objective = options_.tuning.objective;
  tuning.problem.float_model = {{}, ModelBytes(*prepared_), float_memory_};
  tuning.problem.seed = options_.tuning.seed;
  tuning.problem.try_static = options_.tuning.approach != Approach::kDynamic;
  tuning.problem.try_dynamic = options_.tuning.approach != Approach::kStatic;
  tuning.stop = options_.tuning.stop;
  tuning.strategy = options_.tuning.strategy;
  tuning.stop_at_goal = options_.tuning.stop_at_goal;
  return tuning;
}

TrialSetting OptimizeRun::SettingOf(const Session& float_session) {
  TrialSetting setting;
  setting.quantizer = quantizer_ ? &*quantizer_ : nullptr;
  setting.evaluator = &*evaluator_;
  setting.early_stopper = &*early_stopper_;
  setting.data = &*data_;
  setting.float_session = &float_session;
  setting.latency = latency_;
  setting.latency_batch = options_.latency.batch;
  setting.threads = options_.threads;
  setting.cache = cache_ ? &*cache_ : nullptr;
  setting.baseline_seconds = baseline_.seconds;
  setting.evaluation_seconds = kQuantized * baseline_.seconds;
  // Packaging evaluates once more and times two models: for as long as the budget of timing says, or 200 rounds take, but one round of warm-up
  // and three more at least. Then each runs thrice for its memory, and both are taken apart.
  double run = baseline_.seconds * options_.threads / static_cast<double>(std::max<int64_t>(baseline_.rows, 1)) *
               static_cast<double>(std::max<int64_t>(options_.latency.batch, 1));
  setting.closing_seconds =
      kQuantized * baseline_.seconds + std::max(std::min(latency_.budget_seconds, 400 * run), 8 * run) + kMoreRuns * run + kClosingOverhead;
  setting.marks = &marks_;
  setting.has_best = [this] { context_.scratch.ExpectResult(); };
  if (options_.tuning.objective.needs_memory())
    setting.measure_memory = [this](const Model& model) { return MeasureMemoryOf(model); };
  setting.workforce = team_.get();
  setting.surplus_seconds = options_.lead.surplus_seconds;
  return setting;
}

Result<uint64_t> OptimizeRun::MeasureMemoryOf(const Model& model) {
  NS_ASSIGN_OR_RETURN(ScratchFolder folder, ScratchFolder::Create("ns-memory-", context_.scratch));
  NS_RETURN_IF_ERROR(model.Save(folder.path() / "model.onnx"));
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*data_->evaluation, data_->split.evaluation, options_.latency.batch, 1));
  return MeasurePeakMemory({context_.program, folder.path(), latency_.threads}, folder.path() / "model.onnx", rows.at(0), context_.stop);
}

Status OptimizeRun::Tune() {
  progress_.Begin("profile", 0.25, 0.27);
  TuningSpace space = Space();
  if (quantizer_ && SecondsLeft() > 0) {
    auto shares = FloatShares();
    if (shares.ok()) {
      for (SpaceOperator& op : space.operators) op.float_share = shares->contains(op.name) ? shares->at(op.name) : 0;
    } else if (shares.status().code() == StatusCode::kCancelled) {
      return shares.status();
    } else {
      AddNote(fmt::format("the operators' shares of the fp32 run are missing: {}", shares.status().message()));
    }
  }
  if (options_.tuning.objective.needs_memory()) {
    NS_ASSIGN_OR_RETURN(float_memory_, MeasureMemoryOf(*prepared_));
  }
  NS_ASSIGN_OR_RETURN(TuningSession session, TuningSession::Create(TuningOptionsOf(std::move(space))));
  NS_ASSIGN_OR_RETURN(Session float_session, Session::FromModel(*prepared_, TimedSession(latency_)));
  TrialRunner runner(SettingOf(float_session), progress_, context_.stop);
  Status ran = runner.Run(session);
  DismissTeam();
  if (ran.code() == StatusCode::kCancelled && session.best_so_far()) NS_RETURN_IF_ERROR(TakeAnswer(session, runner));
  NS_RETURN_IF_ERROR(ran);
  return TakeAnswer(session, runner);
}

Status OptimizeRun::TakeAnswer(TuningSession& session, TrialRunner& runner) {
  report_.full_evaluations += runner.full_evaluations();
  report_.partial_evaluations += runner.partial_evaluations();
  for (TrialReport& trial : runner.Reports(session)) report_.trials.push_back(std::move(trial));
  TuningAnswer answer = session.answer();
  reason_ = answer.reason;
  advice_ = answer.advice;
  for (const Trial& trial : session.history().trials()) {
    // Each takes a rewrite of the whole model: after a stop only the answer's is made.
    if (context_.stop.stop_requested()) break;
    if (!trial.result || trial.failed() || session.history().FindModel(trial.config) == nullptr) continue;
    NS_ASSIGN_OR_RETURN(pareto_[trial.id], RecipeOf(trial, runner));
    speedups_[trial.id] = session.history().FindModel(trial.config)->speed.speedup;
  }
  std::optional<int> trial = context_.stop.stop_requested() ? session.best_so_far() : answer.trial;
  TakeScores(session.history(), trial ? &session.history().trial(*trial) : nullptr);
  if (!trial) return OkStatus();
  const Trial& chosen = session.history().trial(*trial);
  label_ = chosen.label;
  config_ = chosen.config;
  small_answer_ = runner.WasSmall(chosen.id);
  NS_ASSIGN_OR_RETURN(quantized_, runner.TakeModel(chosen.config));
  const MeasuredModel* timed = session.history().FindModel(chosen.config);
  best_so_far_ = {chosen.result->values, timed != nullptr && timed->speed.speedup > 0 ? std::optional(timed->speed) : std::nullopt};
  return OkStatus();
}

Result<Recipe> OptimizeRun::RecipeOf(const Trial& trial, TrialRunner& runner) const {
  Recipe recipe;
  recipe.model_sha256 = model_sha256_;
  recipe.label = trial.label;
  recipe.config = trial.config;
  NS_ASSIGN_OR_RETURN(recipe.facts, runner.FactsOf(trial.config));
  recipe.made_by = report_.environment.versions;
  return recipe;
}

}  // namespace ns
