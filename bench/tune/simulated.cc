// How many evaluations each strategy takes on made-up models (src/tune/testing/simulated_model.h), and how fast the model is that
// it finds: the table of docs/tuning.md. Each cell: evaluations until the first model that holds the accuracy, until the best one, in
// all; the best one's speed-up over fp32 (1 where none holds); how many models of the family were accepted where not all.
//
//   bench_tune_simulated [SEEDS [WORKERS [MAX_TRIALS]]]      10 models a family, 1 worker, 100 evaluations
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tune/strategy.h"
#include "tune/testing/driven_session.h"
#include "tune/testing/simulated_model.h"

namespace ns {
namespace {

struct Family {
  const char* name;
  SimulatedModel::Options options;
};

std::vector<Family> Families() {
  SimulatedModel::Options common{.evaluation_noise = 0.1, .measuring_noise_db = 1.5, .calibrations = true};
  auto with = [&](auto change) {
    SimulatedModel::Options options = common;
    change(options);
    return options;
  };
  return {
      {"easy", with([](auto& o) { o.operators = 20, o.diffuse = 0.5; })},
      {"few", with([](auto& o) { o.operators = 20, o.harmful = 3, o.diffuse = 0.5; })},
      {"many", with([](auto& o) { o.operators = 40, o.harmful = 12, o.diffuse = 0.5; })},
      {"spread", with([](auto& o) { o.operators = 40, o.diffuse = 4; })},
      {"pairs", with([](auto& o) { o.operators = 20, o.harmful = 1, o.diffuse = 0.4, o.interactions = 3; })},
      {"blocks",
       with([](auto& o) { o.operators = 144, o.operators_in_block = 12, o.harmful = 4, o.diffuse = 0.6; })},
      {"static only",
       with([](auto& o) { o.operators = 50, o.harmful = 5, o.diffuse = 0.6, o.dynamic = false; })},
  };
}

struct Row {
  double accepted = 0, first = 0, best = 0, all = 0, gain = 0;
};

Row Measure(const Family& family, const std::string& strategy, int seeds, int workers, int max_trials) {
  Row row;
  for (int seed = 1; seed <= seeds; ++seed) {
    SimulatedModel::Options options = family.options;
    options.seed = static_cast<uint64_t>(seed);
    SimulatedModel model(options);
    TuningSession::Options session{.problem = model.problem(), .stop = {.max_trials = max_trials}, .strategy = strategy};
    DrivenSession driven = Drive([&](const TuningItem& item) { return model.Do(item); }, session, workers, 1);
    row.accepted += driven.until_accepted > 0;
    row.first += driven.until_accepted;
    row.best += driven.until_best;
    row.all += driven.evaluations;
    row.gain += driven.gain / seeds;
  }
  row.all /= seeds;
  if (row.accepted > 0) row.first /= row.accepted, row.best /= row.accepted;
  row.accepted /= seeds;
  return row;
}

// "2.5 / 5.4 / 7.4: 2.21" (first, best, all: speed-up), and how many were accepted where not all.
std::string Cell(const Row& row) {
  std::string accepted = row.accepted == 1 ? "" : fmt::format(" ({:.0f} %)", 100 * row.accepted);
  if (row.accepted == 0) return fmt::format("– / – / {:.0f}: 1.00{}", row.all, accepted);
  return fmt::format("{:.1f} / {:.1f} / {:.0f}: {:.2f}{}", row.first, row.best, row.all, row.gain, accepted);
}

void Run(int seeds, int workers, int max_trials) {
  std::string head = "|", rule = "| ---";
  for (const Family& family : Families()) {
    head += fmt::format(" | {}", family.name);
    rule += " | ---:";
  }
  fmt::print("{} |\n{} |\n", head, rule);
  for (const std::string& strategy : StrategyNames()) {
    fmt::print("| `{}`", strategy);
    for (const Family& family : Families()) fmt::print(" | {}", Cell(Measure(family, strategy, seeds, workers, max_trials)));
    fmt::print(" |\n");
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  auto number = [&](int place, int otherwise) { return argc > place ? std::max(1, std::atoi(argv[place])) : otherwise; };
  ns::Run(number(1, 10), number(2, 1), number(3, 100));
}
