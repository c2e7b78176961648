#include "worker/benchmark.h"

#include <nlohmann/json.hpp>
#include <numeric>

#include "base/cpu.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/recipe.h"
#include "worker/session_search.h"
#include "worker/stage_progress.h"

namespace ns {

namespace {

Result<std::vector<NamedTensors>> Rows(const BenchmarkOptions& options, const SourceModel& source, const Session& session, std::stop_token stop) {
  if (!options.data.empty()) {
    DataSetOptions open;
    open.path = options.data;
    if (source.folder) FillDataSetOptions(*source.folder, &open);
    NS_ASSIGN_OR_RETURN(auto data, OpenDataSet(open, source.model.inputs()));
    std::vector<int64_t> rows(static_cast<size_t>(data->rows()));
    std::iota(rows.begin(), rows.end(), 0);
    return LatencyRows(*data, rows, options.latency.batch, 32);
  }
  std::vector<TensorSpec> inputs = source.model.inputs();
  for (TensorSpec& spec : inputs) {
    auto given = options.shapes.find(spec.name);
    if (given != options.shapes.end()) spec.shape = given->second;
  }
  auto made = options.free_size > 0 ? MadeUpInputs(inputs, options.latency.batch, options.free_size, 0)
                                    : LongestInputs(session, inputs, options.latency.batch, 0, stop);
  NS_RETURN_IF_ERROR(made.status());
  return std::vector<NamedTensors>{*std::move(made)};
}

}  // namespace

Result<BenchmarkOutcome> Benchmark(const BenchmarkOptions& options, const WorkContext& context) {
  StageProgress progress(context.clock, context.events);
  LatencyRun run = MakeLatencyRun(options.latency, options.cores);
  run.budget_seconds = options.budget_seconds;
  if (!options.cores.empty() && !PinThisThread(options.cores))
    return InvalidArgument("the cores asked for may not be used", "BAD_CORES");
  BenchmarkOutcome outcome;
  outcome.models.push_back(options.model);
  if (!options.other.empty()) outcome.models.push_back(options.other);
  SessionSettings usual = UsualSettings(run), last = usual;
  if (!options.recipe.empty()) {
    NS_ASSIGN_OR_RETURN(Recipe recipe, ReadRecipe(options.recipe));
    if (!recipe.session)
      return InvalidArgument(fmt::format("the recipe '{}' says nothing of the session; leave out --recipe", options.recipe.string()), "NO_SESSION_SETTINGS");
    last = *recipe.session;
    if (options.latency.threads > 0) last.threads = options.latency.threads;
  }
  progress.Begin("load", 0, 0.2);
  std::vector<NamedTensors> rows;
  std::vector<Session> sessions;
  for (size_t i = 0; i < outcome.models.size(); ++i) {
    NS_ASSIGN_OR_RETURN(SourceModel source, LoadSource(outcome.models[i]));
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source.model, TimedSession(run, i + 1 == outcome.models.size() ? last : usual)));
    if (rows.empty()) {
      NS_ASSIGN_OR_RETURN(rows, Rows(options, source, session, context.stop));
    }
    sessions.push_back(std::move(session));
  }
  progress.Begin("time", 0.2, 1);
  std::vector<const Session*> all;
  for (const Session& session : sessions) all.push_back(&session);
  NS_ASSIGN_OR_RETURN(outcome.results, MeasureSessions(all, rows, run, progress, context.stop));
  outcome.threads = run.threads;
  outcome.batch = options.latency.batch;
  return outcome;
}

std::string BenchmarkText(const BenchmarkOutcome& outcome) {
  std::string text =
      fmt::format("{:<40}{:>12}{:>12}{:>8}\n", fmt::format("{} threads, batch {}", outcome.threads, outcome.batch),
                  "median ms", "p95 ms", "runs");
  for (size_t i = 0; i < outcome.results.size(); ++i) {
    const LatencyResult& result = outcome.results[i];
    text += fmt::format("{:<40}{:>12.3f}{:>12.3f}{:>8}\n", outcome.models[i].string(), result.median_ms, result.p95_ms,
                        result.samples_ms.size());
  }
  if (outcome.results.size() > 1) {
    const LatencyRatio& ratio = outcome.results[1].speedup;
    text += fmt::format("the second runs at {:.2f} times the speed of the first (95 % {:.2f} to {:.2f})\n", ratio.value,
                        ratio.low, ratio.high);
  }
  return text;
}

std::string BenchmarkJson(const BenchmarkOutcome& outcome) {
  nlohmann::ordered_json json = {
      {"threads", outcome.threads}, {"batch", outcome.batch}, {"models", nlohmann::ordered_json::array()}};
  for (size_t i = 0; i < outcome.results.size(); ++i) {
    const LatencyResult& result = outcome.results[i];
    json["models"].push_back(
        {{"model", outcome.models[i].string()},
         {"latency_ms", {{"median", result.median_ms}, {"p95", result.p95_ms}}},
         {"runs", result.samples_ms.size()},
         {"speedup", {{"median", result.speedup.value}, {"low", result.speedup.low}, {"high", result.speedup.high}}}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ns
