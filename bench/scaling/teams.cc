// Tunes real models with simulated teams of 1 to 64 workers: each item is done for real once, by one core, and takes in every team as long as it
// took then. Prints, for ours and for the original's algorithm on the same items (a rank that only coordinates, N - 1 that work, a barrier
// behind each N - 1 items), the seconds until the first model that holds the accuracy and until the answer was known.
//
//   bench_scaling_teams [--trace WORKERS] RECORDS STRATEGY MAX_TRIALS CASE=FOLDER...
//
// FOLDER: model.onnx with evaluation and calibration rows as bench/models/hard_cases writes them. What RECORDS has is not done again.
// --trace: what each worker of such a team did, and when.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "case_items.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

constexpr int kTeams[] = {1, 2, 4, 8, 16, 32, 64};
constexpr double kRoundTrip = 0.005;   // seconds: another rack, and a gRPC server that has something else to do
constexpr uint64_t kSeeds = 10;        // of histories with losses
constexpr double kPays = 0.05;         // another worker pays as long as the answer comes by this share earlier than with the team before

struct Request {
  fs::path records;
  std::string strategy;
  int max_trials = 0;
  int trace = 0;  // workers; 0: none
};

// Of the busy seconds: begun ahead of its time, and not needed.
double Wasted(const SimulatedOutcome& team, const SimulatedOutcome& alone) {
  double wasted = 0;
  for (const SimulatedAttempt& attempt : team.attempts) {
    bool of_use = !attempt.ahead || (attempt.how == SimulatedAttempt::End::kDone && alone.done.contains(attempt.item));
    wasted += of_use ? 0 : attempt.end - attempt.begin;
  }
  return team.busy_seconds > 0 ? wasted / team.busy_seconds : 0;
}

struct Row {
  int workers = 0;
  SimulatedOutcome ours, original;
  double lossy_ended = 0, lost = 0;  // means over the seeds
};

// `bayesian` and `tpe` want others in each history, all of which must be done for real.
uint64_t SeedsFor(const std::string& strategy) { return strategy == "bayesian" || strategy == "tpe" ? 1 : kSeeds; }

// Workers are lost, each once in so much work as one worker needs for all: their connections break, and their processes are back later than such
// a case lasts.
Row Simulate(const ItemRecords& records, const TuningSession::Options& session, int workers, double alone_seconds) {
  Row row{workers, SimulateTeam(records, session, {.workers = workers, .round_trip = kRoundTrip}), {}};
  row.original = SimulateTeam(records, session, {.workers = workers, .stage_items = std::max(1, workers - 1), .round_trip = kRoundTrip});
  if (alone_seconds == 0) alone_seconds = row.ours.ended_at;
  const uint64_t seeds = SeedsFor(session.strategy);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    TeamOptions team{.workers = workers, .round_trip = kRoundTrip, .mean_time_to_loss = alone_seconds, .notice_seconds = kRoundTrip, .seed = seed};
    SimulatedOutcome lossy = SimulateTeam(records, session, team);
    NS_CHECK(session.strategy != "auto" || lossy.answer == row.ours.answer, "another answer where workers are lost");
    row.lossy_ended += lossy.ended_at / static_cast<double>(seeds);
    row.lost += static_cast<double>(lossy.lost) / static_cast<double>(seeds);
  }
  return row;
}

void ShowAttempts(const SimulatedOutcome& team) {
  constexpr const char* kHow[] = {"done", "lost", "stopped"};
  std::vector<SimulatedAttempt> attempts = team.attempts;
  std::stable_sort(attempts.begin(), attempts.end(), [](const SimulatedAttempt& a, const SimulatedAttempt& b) { return a.begin < b.begin; });
  for (const SimulatedAttempt& attempt : attempts) {
    fmt::print("{:8.3f} to {:8.3f} s  worker {:2}  {:7}  {}{:.100}\n", attempt.begin, attempt.end, attempt.worker, kHow[static_cast<int>(attempt.how)],
               attempt.ahead ? "(ahead) " : "", attempt.item);
  }
}

void ShowRows(const std::vector<Row>& rows) {
  fmt::print("| workers | holds at | answer at | ended at | times as fast | gain | wasted | with losses | original: holds at | ended at | gain |\n");
  fmt::print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  int pays = 1;
  double last = rows[0].ours.ended_at, latest = 0;
  for (const Row& row : rows) {
    if (row.ours.ended_at < last * (1 - kPays)) {
      pays = row.workers;
      last = row.ours.ended_at;
    }
    latest = std::max(latest, row.ours.ended_at - rows[0].ours.ended_at);
    fmt::print("| {} | {:.2f} s | {:.2f} s | {:.2f} s | {:.2f} | {:.2f} | {:.0f} % | {:.2f} s ({:.1f} lost) | {:.2f} s | {:.2f} s | {:.2f} |\n", row.workers,
               row.ours.accepted_at, row.ours.best_at, row.ours.ended_at, rows[0].ours.ended_at / row.ours.ended_at, row.ours.gain,
               100 * Wasted(row.ours, rows[0].ours), row.lossy_ended, row.lost, row.original.accepted_at, row.original.ended_at, row.original.gain);
  }
  fmt::print("More than {} worker{} no longer pay. The latest of them ends {:.1f} ms after one alone.\n\n", pays, pays == 1 ? "" : "s", 1000 * latest);
  std::fflush(stdout);
}

Status Show(const Request& request, const std::string& name, const fs::path& folder) {
  bool texts = fs::exists(folder / "evaluation.tsv");
  const char* kind = texts ? "tsv" : "npz";
  NS_ASSIGN_OR_RETURN(auto items, CaseItems::Open(texts ? folder : folder / "model.onnx", folder / fmt::format("evaluation.{}", kind),
                                                  folder / fmt::format("calibration.{}", kind), request.records / name));
  ItemRecords remembered = [&](const TuningItem& item) { return items->Do(item); };
  TuningSession::Options session = items->Tuning(request.strategy, request.max_trials);
  if (request.trace > 0) {
    ShowAttempts(SimulateTeam(remembered, session, {.workers = request.trace, .round_trip = kRoundTrip}));
    return OkStatus();
  }
  std::vector<Row> rows;
  for (int workers : kTeams) {
    rows.push_back(Simulate(remembered, session, workers, rows.empty() ? 0 : rows[0].ours.ended_at));
    NS_CHECK(request.strategy != "auto" || rows.back().ours.answer == rows[0].ours.answer, "another answer with another number of workers");
  }
  fmt::print("{}, {}: {} items alone ({} done now), before them {:.2f} s of baseline; answer: {}\n", name, request.strategy, rows[0].ours.done.size(),
             items->done_now(), items->baseline_seconds(), rows[0].ours.answer.empty() ? "fp32" : "quantized");
  ShowRows(rows);
  return OkStatus();
}

Status ShowCase(const Request& request, const std::string& one) {
  size_t equals = one.find('=');
  if (equals == std::string::npos) return InvalidArgument("no CASE=FOLDER");
  return Show(request, one.substr(0, equals), one.substr(equals + 1));
}

}  // namespace
}  // namespace ns

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  ns::Request request;
  if (words.size() > 2 && words[0] == "--trace") {
    request.trace = std::atoi(words[1].c_str());
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.size() < 4) {
    fmt::print(stderr, "usage: bench_scaling_teams [--trace WORKERS] RECORDS STRATEGY MAX_TRIALS CASE=FOLDER...\n");
    return 2;
  }
  request.records = words[0];
  request.strategy = words[1];
  request.max_trials = std::atoi(words[2].c_str());
  for (size_t i = 3; i < words.size(); ++i) {
    if (ns::Status status = ns::ShowCase(request, words[i]); !status.ok()) {
      fmt::print(stderr, "{}: {}\n", words[i], status.message());
      return 1;
    }
  }
  return 0;
}
