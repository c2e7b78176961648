// Tunes real models with simulated teams of 1 to 64 workers: each item is done for real once, by one core, and takes in every team as long as it
// took then. Prints, for ours and for the original's algorithm on the same items (a rank that only coordinates, N - 1 that work, a barrier
// behind each N - 1 items), the seconds until the first model that holds the accuracy and until the answer was known.
//
//   bench_scaling_teams RECORDS STRATEGY MAX_TRIALS CASE=FOLDER...
//
// FOLDER: model.onnx with evaluation and calibration rows as bench/models/hard_cases writes them. What RECORDS has is not done again.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "case_items.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

constexpr int kTeams[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64};
constexpr double kRoundTrip = 0.005;   // seconds: another rack, and a gRPC server that has something else to do
constexpr double kLosses = 60;         // mean seconds of work until a worker is lost
constexpr int kSeeds = 10;             // of histories with losses
constexpr double kPays = 0.05;         // another worker pays as long as the answer comes by this share earlier than with the team before

// Busy seconds on what one worker alone never did.
double Wasted(const SimulatedOutcome& team, const SimulatedOutcome& alone) {
  double wasted = 0;
  for (const auto& [item, seconds] : team.cost)
    if (!alone.items.contains(item)) wasted += seconds;
  return team.busy_seconds > 0 ? wasted / team.busy_seconds : 0;
}

struct Row {
  int workers = 0;
  SimulatedOutcome ours, lossy, original;
  double lossy_ended = 0;  // mean over the seeds
};

Row Simulate(const ItemRecords& records, const TuningSession::Options& session, int workers) {
  Row row{workers, SimulateTeam(records, session, {.workers = workers, .round_trip = kRoundTrip}), {}, {}};
  row.original = SimulateTeam(records, session, {.workers = workers, .stage_items = std::max(1, workers - 1), .round_trip = kRoundTrip});
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    TeamOptions team{.workers = workers, .round_trip = kRoundTrip, .mean_time_to_loss = kLosses, .seed = seed};
    row.lossy = SimulateTeam(records, session, team);
    NS_CHECK(row.lossy.answer == row.ours.answer, "another answer where workers are lost");
    row.lossy_ended += row.lossy.ended_at / kSeeds;
  }
  return row;
}

Status Show(const std::string& name, const fs::path& folder, const fs::path& records, const std::string& strategy, int max_trials) {
  bool texts = fs::exists(folder / "evaluation.tsv");
  const char* kind = texts ? "tsv" : "npz";
  NS_ASSIGN_OR_RETURN(auto items, CaseItems::Open(texts ? folder : folder / "model.onnx", folder / fmt::format("evaluation.{}", kind),
                                                  folder / fmt::format("calibration.{}", kind), records / name));
  ItemRecords remembered = [&](const TuningItem& item) { return items->Do(item); };
  TuningSession::Options session = items->Tuning(strategy, max_trials);
  std::vector<Row> rows;
  for (int workers : kTeams) rows.push_back(Simulate(remembered, session, workers));
  fmt::print("{}, {}: {} items alone ({} done now), before them {:.2f} s of baseline; answer: {}\n", name, strategy, rows[0].ours.items.size(),
             items->done_now(), items->baseline_seconds(), rows[0].ours.answer.empty() ? "fp32" : "quantized");
  fmt::print("| workers | holds at | answer at | ended at | times as fast | speculation | with losses | original: holds at | ended at |\n");
  fmt::print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  int pays = 1;
  double last = rows[0].ours.ended_at;
  for (const Row& row : rows) {
    NS_CHECK(row.ours.answer == rows[0].ours.answer, "another answer with another number of workers");
    if (row.ours.ended_at < last * (1 - kPays)) {
      pays = row.workers;
      last = row.ours.ended_at;
    }
    fmt::print("| {} | {:.2f} s | {:.2f} s | {:.2f} s | {:.2f} | {:.0f} % | {:.2f} s | {:.2f} s | {:.2f} s |\n", row.workers, row.ours.accepted_at,
               row.ours.best_at, row.ours.ended_at, rows[0].ours.ended_at / row.ours.ended_at, 100 * Wasted(row.ours, rows[0].ours),
               row.lossy_ended, row.original.accepted_at, row.original.ended_at);
  }
  fmt::print("More than {} worker{} no longer pay.\n\n", pays, pays == 1 ? "" : "s");
  std::fflush(stdout);
  return OkStatus();
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print(stderr, "usage: bench_scaling_teams RECORDS STRATEGY MAX_TRIALS CASE=FOLDER...\n");
    return 2;
  }
  for (int i = 4; i < argc; ++i) {
    std::string one = argv[i];
    size_t equals = one.find('=');
    ns::Status status = equals == std::string::npos ? ns::InvalidArgument(fmt::format("{} is no CASE=FOLDER", one))
                                                    : ns::Show(one.substr(0, equals), one.substr(equals + 1), argv[1], argv[2], std::atoi(argv[3]));
    if (!status.ok()) {
      fmt::print(stderr, "{}: {}\n", one, status.message());
      return 1;
    }
  }
  return 0;
}
