#include "worker/session_search.h"

#include <algorithm>
#include <chrono>

namespace ns {

namespace {

constexpr double kLeastGain = 1.02;
constexpr double kRoundsAtLeast = 13;  // of each candidate, warm-up included (LatencyOptions)

GraphOptimization LevelByName(const std::string& name) {
  return name == "none"       ? GraphOptimization::kNone
         : name == "basic"    ? GraphOptimization::kBasic
         : name == "extended" ? GraphOptimization::kExtended
                              : GraphOptimization::kAll;
}

// `settings` with what `other` changes of `usual`.
SessionSettings Merge(SessionSettings settings, const SessionSettings& other, const SessionSettings& usual) {
  if (other.threads != usual.threads) settings.threads = other.threads;
  if (other.spinning != usual.spinning) settings.spinning = other.spinning;
  if (other.memory_arena != usual.memory_arena) settings.memory_arena = other.memory_arena;
  if (other.optimization != usual.optimization) settings.optimization = other.optimization;
  return settings;
}

class Searcher {
 public:
  Searcher(const std::filesystem::path& model, std::span<const NamedTensors> rows, const SessionSearch& search, ProgressSink& progress,
           std::stop_token stop)
      : model_(model), rows_(rows), search_(search), progress_(progress), stop_(std::move(stop)) {}

  Result<FoundSettings> Run() {
    std::vector<SessionSettings> candidates = SessionCandidates(search_);
    const SessionSettings usual = candidates[0];
    NS_ASSIGN_OR_RETURN(bool affordable, Affordable(candidates));
    if (!affordable) return FoundSettings{usual, {}};
    NS_ASSIGN_OR_RETURN(auto gains, Gains(candidates, search_.budget_seconds * 2 / 3));
    std::vector<size_t> better;
    for (size_t i = 1; i < candidates.size(); ++i)
      if (gains[i].low >= kLeastGain) better.push_back(i);
    if (better.empty()) return FoundSettings{usual, {}};
    size_t best = *std::max_element(better.begin(), better.end(), [&](size_t a, size_t b) { return gains[a].value < gains[b].value; });
    if (better.size() == 1) return FoundSettings{candidates[best], gains[best]};
    SessionSettings together = candidates[best];
    for (size_t i : better)  // of two numbers of threads the better one
      if (candidates[i].threads == usual.threads || i == best) together = Merge(together, candidates[i], usual);
    if (together == candidates[best]) return FoundSettings{candidates[best], gains[best]};
    NS_ASSIGN_OR_RETURN(auto again, Gains({usual, candidates[best], together}, search_.budget_seconds / 3));
    size_t winner = again[2].value > again[1].value ? 2 : 1;
    if (again[winner].low < kLeastGain) return FoundSettings{usual, {}};
    return FoundSettings{winner == 2 ? together : candidates[best], again[winner]};
  }

 private:
  Result<Session> Open(const SessionSettings& settings) const { return Session::FromFile(model_, TimedSession(search_.latency, settings)); }

  // A run or two say how long all of them will take.
  Result<bool> Affordable(std::span<const SessionSettings> candidates) const {
    NS_ASSIGN_OR_RETURN(Session session, Open(candidates[0]));
    double seconds = 0;
    for (int i = 0; i < 2; ++i) {
      auto begin = std::chrono::steady_clock::now();
      NS_RETURN_IF_ERROR(session.Run(rows_[0], {}, stop_).status());
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return seconds * kRoundsAtLeast * static_cast<double>(candidates.size()) <= 2 * search_.budget_seconds;
  }

  Result<std::vector<LatencyRatio>> Gains(const std::vector<SessionSettings>& candidates, double seconds) const {
    std::vector<Session> sessions;
    std::vector<const Session*> all;
    for (const SessionSettings& one : candidates) {
      NS_ASSIGN_OR_RETURN(Session session, Open(one));
      sessions.push_back(std::move(session));
    }
    for (const Session& session : sessions) all.push_back(&session);
    LatencyRun run = search_.latency;
    run.budget_seconds = seconds;
    NS_ASSIGN_OR_RETURN(auto results, MeasureSessions(all, rows_, run, progress_, stop_));
    std::vector<LatencyRatio> gains;
    for (const LatencyResult& result : results) gains.push_back(result.speedup);
    return gains;
  }

  const std::filesystem::path& model_;
  std::span<const NamedTensors> rows_;
  const SessionSearch& search_;
  ProgressSink& progress_;
  std::stop_token stop_;
};

}  // namespace

SessionSettings UsualSettings(const LatencyRun& run) {
  SessionSettings settings;
  settings.threads = run.threads;
  settings.spinning = TimedSession(run).spinning;
  return settings;
}

SessionOptions TimedSession(const LatencyRun& run, const SessionSettings& settings) {
  LatencyRun with = run;
  if (settings.threads > 0) with.threads = settings.threads;
  SessionOptions options = TimedSession(with);
  options.spinning = settings.spinning;
  options.memory_arena = settings.memory_arena;
  options.optimization = LevelByName(settings.optimization);
  return options;
}

std::vector<SessionSettings> SessionCandidates(const SessionSearch& search) {
  const SessionSettings usual = UsualSettings(search.latency);
  std::vector<SessionSettings> candidates = {usual};
  auto add = [&](auto change) {
    candidates.push_back(usual);
    change(candidates.back());
  };
  if (usual.threads > 1) {
    add([](SessionSettings& one) { one.spinning = !one.spinning; });
    if (!search.fixed_threads) {
      add([](SessionSettings& one) { one.threads = 1; });
      if (usual.threads > 3) add([](SessionSettings& one) { one.threads /= 2; });
    }
  }
  add([](SessionSettings& one) { one.memory_arena = false; });
  add([](SessionSettings& one) { one.optimization = "extended"; });
  return candidates;
}

Result<FoundSettings> FindSessionSettings(const std::filesystem::path& model, std::span<const NamedTensors> rows, const SessionSearch& search,
                                          ProgressSink& progress, std::stop_token stop) {
  return Searcher(model, rows, search, progress, std::move(stop)).Run();
}

}  // namespace ns
