#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "tune/pareto.h"
#include "worker/optimize_run.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// What the models may take together: as much as the fp32 model, small ones more; a user can make the others.
constexpr uint64_t kAlwaysBytes = uint64_t{64} << 20, kMostBytes = uint64_t{1} << 30;
// And of the time: a tenth of all, at least and at most so many seconds.
constexpr double kLeastSeconds = 2, kMostSeconds = 60;

}  // namespace

uint64_t SizeOfModel(const fs::path& model) {
  std::error_code error;
  uint64_t bytes = fs::file_size(model, error);
  fs::path data = model.string() + ".data";
  if (fs::exists(data, error)) bytes += fs::file_size(data, error);
  return bytes;
}

// Of the trials that were timed, fp32 among them.
void OptimizeRun::TakePareto() {
  const AccuracyGoal& goal = goals_.goals()[0];
  std::vector<ParetoPoint> points;
  std::vector<ParetoCandidate> candidates;
  for (const TrialReport& trial : report_.trials) {
    if (!trial.metric.contains(goal.metric) || !trial.latency_ms || !trial.size_bytes) continue;
    ParetoPoint point;
    point.trial = trial.index;
    point.accuracy = trial.metric.at(goal.metric);
    point.latency_ms = *trial.latency_ms;
    point.size_bytes = *trial.size_bytes;
    candidates.push_back({point.accuracy, point.latency_ms, point.size_bytes});
    points.push_back(std::move(point));
  }
  for (size_t i : ParetoSet(candidates, goal.criterion.higher_is_better)) report_.pareto.push_back(points[i]);
}

// In seconds of the run.
double OptimizeRun::ParetoUntil() const {
  double now = progress_.elapsed_seconds();
  double until = now + std::clamp(now / 10, kLeastSeconds, kMostSeconds);
  double timeout = options_.tuning.stop.timeout_seconds;
  return timeout > 0 ? std::min(until, timeout) : until;
}

// A folder a point: its recipe, and its model where there is room and time for it. The answer's own model is the result's.
Status OptimizeRun::WritePareto(const fs::path& folder, ParetoModels models) {
  const uint64_t room = std::min(std::max(report_.baseline.size_bytes, kAlwaysBytes), kMostBytes);
  const double until = ParetoUntil();
  double longest = 0;
  uint64_t taken = 0;
  for (ParetoPoint& point : report_.pareto) {
    auto known = pareto_.find(point.trial);
    if (known == pareto_.end()) {
      if (quantized_) {
        point.note = "the fp32 model that was given";
      } else {
        point.model = "model.onnx", point.recipe = "recipe.json";
      }
      continue;
    }
    Recipe& recipe = known->second;
    std::string name = fmt::format("pareto/trial_{}", point.trial);
    point.recipe = name + "/recipe.json";
    std::error_code ignored;
    fs::create_directories(folder / name, ignored);
    std::string why;
    double start = progress_.elapsed_seconds();
    if (quantized_ && Canonical(recipe.config) == Canonical(*config_)) {
      point.model = "model.onnx";
    } else if (taken + point.size_bytes > room) {
      why = fmt::format("such models take more than {} MB together", room >> 20);
    } else if (models == ParetoModels::kNone || start + longest > until) {
      why = "there was no time";
    } else if (Status made = MakeParetoModel(folder / name, recipe); made.ok()) {
      point.model = name + "/model.onnx";
      taken += SizeOfModel(folder / point.model);
    } else if (made.code() == StatusCode::kCancelled) {
      return made;
    } else {
      why = made.message();
    }
    longest = std::max(longest, progress_.elapsed_seconds() - start);
    if (!why.empty()) point.note = fmt::format("not made: {}; `neural_solution optimize MODEL --recipe {} -o OUT` makes it", why, point.recipe);
    NS_RETURN_IF_ERROR(WriteFileAtomic(folder / point.recipe, RecipeToJson(recipe)));
  }
  return OkStatus();
}

Status OptimizeRun::MakeParetoModel(const fs::path& folder, Recipe& recipe) {
  NS_RETURN_IF_ERROR(Check());
  quantizer_->UseFacts(recipe.config, recipe.facts);
  NS_ASSIGN_OR_RETURN(QuantizedModel made, quantizer_->Quantize(recipe.config));
  fs::path model = folder / "model.onnx";
  Status saved = made.model.Save(model);
  if (!saved.ok()) {
    std::error_code ignored;
    fs::remove(model, ignored);
    fs::remove(model.string() + ".data", ignored);
    return saved;
  }
  NS_ASSIGN_OR_RETURN(recipe.result_sha256, Sha256HexOfFile(model));
  return OkStatus();
}

}  // namespace ns
