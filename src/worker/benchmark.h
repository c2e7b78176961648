// The latency of one model, or of two beside each other.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/timing.h"
#include "worker/optimize.h"
#include "worker/options.h"

namespace ns {

struct BenchmarkOptions {
  std::filesystem::path model;
  std::filesystem::path other;          // empty: one model alone
  std::filesystem::path data;           // rows to run; empty: made-up inputs
  std::map<std::string, Shape> shapes;  // of made-up inputs, where the model leaves sizes free
  int64_t free_size = 0;                // of other free sizes than the first axis; 0: LongestInputs()
  LatencySettings latency;
  std::filesystem::path recipe;         // the last model runs with the session settings of this recipe.json; empty: as usual
  std::vector<int> cores;
  double budget_seconds = 10;
};

struct BenchmarkOutcome {
  std::vector<std::filesystem::path> models;
  std::vector<LatencyResult> results;
  int threads = 1;
  int64_t batch = 1;
};

// InvalidArgument (NO_SESSION_SETTINGS): the recipe has none. Errors of ReadRecipe(), of loading either model, of the data, and of running them.
Result<BenchmarkOutcome> Benchmark(const BenchmarkOptions& options, const WorkContext& context);

std::string BenchmarkText(const BenchmarkOutcome& outcome);
std::string BenchmarkJson(const BenchmarkOutcome& outcome);

}  // namespace ns
