#include "team_simulation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>

#include "team/lease_table.h"

namespace ns {

namespace {

constexpr int kMostSteps = 1'000'000;
constexpr double kNever = std::numeric_limits<double>::infinity();

class Team {
 public:
  Team(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& options)
      : records_(records),
        options_(options),
        session_(TuningSession::Create(session).value()),
        table_({.expiry_seconds = kNever}),
        random_(options.seed) {
    for (int worker = 1; worker < hands(); ++worker) NS_CHECK(table_.Join(worker, 1, 0).ok());
  }

  SimulatedOutcome Run();

 private:
  struct Attempt {
    Lease lease;
    TuningWork work;
    RecordedItem record;
    double begin = 0, seconds = 0;
    double ends = 0;  // for the lead: a loss is noticed later than it happens
    bool lost = false;
  };
  struct Away {
    int worker = 0;
    double back = 0;
  };

  bool stages() const { return options_.stage_items > 0; }
  bool coordinates() const { return stages() && options_.workers > 1; }  // the first does, and works on nothing
  // Who works: in the table the first of them is 0, and does the timing.
  int hands() const { return coordinates() ? options_.workers - 1 : options_.workers; }
  bool remote(int worker) const { return coordinates() || worker != 0; }
  int IdleAssistants() const { return table_.idle() - (table_.LeaseOf(0) ? 0 : 1); }
  void Arrange();
  void Offer(const TuningWork& work);
  void Hand(int worker);
  void Stop(const Lease& lease);
  void Withdraw(int id);
  void End(const Attempt& attempt);
  double NextTime() const;
  void Close(const Attempt& attempt, SimulatedAttempt::End how, double end);

  const ItemRecords& records_;
  TeamOptions options_;
  TuningSession session_;
  LeaseTable table_;
  std::mt19937_64 random_;
  double now_ = 0;
  std::map<int64_t, TuningWork> offered_;  // by the table's number
  std::map<int, double> free_at_;          // by worker, where a word must still travel to it
  std::vector<Attempt> under_way_;
  std::vector<Away> away_;
  std::map<int, uint64_t> fences_;
  std::map<std::string, double> known_at_;  // by configuration
  SimulatedOutcome outcome_;
};

void Team::Offer(const TuningWork& work) {
  bool timing = std::holds_alternative<TimeItem>(work.item);
  bool ahead = work.ahead && !stages();
  offered_[table_.Add(timing ? LeaseTable::For::kLead : ahead ? LeaseTable::For::kAhead : LeaseTable::For::kAnyone)] = work;
}

void Team::Withdraw(int id) {
  for (auto& [item, work] : offered_) {
    if (work.id != id) continue;
    if (auto lease = table_.Withdraw(item)) Stop(*lease);
    offered_.erase(item);
    return;
  }
}

void Team::Close(const Attempt& attempt, SimulatedAttempt::End how, double end) {
  outcome_.busy_seconds += end - attempt.begin;
  if (how == SimulatedAttempt::End::kDone) outcome_.done_seconds += end - attempt.begin;
  outcome_.attempts.push_back({attempt.lease.worker, KeyOf(attempt.work.item), attempt.begin, end, how, attempt.work.ahead});
}

// Its worker hears of it, and what comes next, after a while.
void Team::Stop(const Lease& lease) {
  auto attempt = std::find_if(under_way_.begin(), under_way_.end(), [&](const Attempt& one) { return one.lease == lease; });
  Close(*attempt, SimulatedAttempt::End::kStopped, std::min(now_, attempt->begin + attempt->seconds));
  under_way_.erase(attempt);
  if (remote(lease.worker)) free_at_[lease.worker] = now_ + options_.round_trip;
}

// As the lead does whenever something has ended.
void Team::Arrange() {
  if (stages()) {
    if (!offered_.empty()) return;
    for (const TuningWork& work : session_.Next({}, options_.stage_items)) Offer(work);
    return;
  }
  while (true) {
    for (int id : session_.GiveUp()) Withdraw(id);
    for (auto& [item, work] : offered_) {
      if (!work.ahead || session_.ahead(work.id)) continue;
      work.ahead = false;
      table_.Need(item);
    }
    auto more = session_.Next({}, table_.Free(IdleAssistants()));
    if (more.empty()) break;
    for (const TuningWork& work : more) Offer(work);
  }
  while (auto lease = table_.MakeWay(IdleAssistants())) Stop(*lease);
}

void Team::Hand(int worker) {
  auto lease = table_.Take(worker, now_);
  if (!lease) return;
  const TuningWork& work = offered_.at(lease->item);
  Attempt attempt{*lease, work, records_(work.item), std::max(now_, free_at_[worker])};
  attempt.seconds = attempt.record.seconds;
  if (worker != 0 && options_.mean_time_to_loss > 0) {
    double until_loss = std::exponential_distribution<double>(1 / options_.mean_time_to_loss)(random_);
    attempt.lost = until_loss < attempt.seconds;
    attempt.seconds = std::min(attempt.seconds, until_loss);
  }
  attempt.ends = attempt.begin + attempt.seconds + (attempt.lost ? options_.notice_seconds : remote(worker) ? options_.round_trip : 0);
  under_way_.push_back(std::move(attempt));
}

void Team::End(const Attempt& attempt) {
  int worker = attempt.lease.worker;
  Close(attempt, attempt.lost ? SimulatedAttempt::End::kLost : SimulatedAttempt::End::kDone, attempt.begin + attempt.seconds);
  if (attempt.lost) {
    ++outcome_.lost;
    table_.Leave(worker, fences_[worker] + 1, LeaseTable::Leaving::kLost);
    away_.push_back({worker, attempt.begin + attempt.seconds + std::max(options_.restart_seconds, options_.notice_seconds)});
    return;
  }
  NS_CHECK(table_.Finish(attempt.lease.number));
  offered_.erase(attempt.lease.item);
  outcome_.done[KeyOf(attempt.work.item)] = attempt.seconds;
  session_.Observe(attempt.work.id, attempt.record.result);
  if (attempt.work.trial == 0) return;
  const Trial& trial = session_.history().trial(attempt.work.trial);
  known_at_[Canonical(trial.config)] = now_;
  if (trial.accepted && outcome_.accepted_at == 0) outcome_.accepted_at = now_;
}

double Team::NextTime() const {
  double next = kNever;
  for (const Attempt& attempt : under_way_) next = std::min(next, attempt.ends);
  for (const Away& away : away_) next = std::min(next, away.back);
  return next;
}

SimulatedOutcome Team::Run() {
  for (int step = 0;; ++step) {
    NS_CHECK(step < kMostSteps, "tuning does not end");
    Arrange();
    table_.LeadWaits(!table_.LeaseOf(0));
    for (int worker = hands() - 1; worker >= 0; --worker) Hand(worker);
    if (offered_.empty()) break;  // everybody is idle and the session has nothing more
    now_ = NextTime();
    NS_CHECK(now_ < kNever, "work waits and nobody can take it");
    for (size_t i = 0; i < under_way_.size();) {
      if (under_way_[i].ends > now_) {
        ++i;
        continue;
      }
      Attempt ended = std::move(under_way_[i]);
      under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
      End(ended);
    }
    std::erase_if(away_, [&](const Away& away) {
      if (away.back > now_) return false;
      NS_CHECK(table_.Join(away.worker, ++fences_[away.worker] + 1, now_).ok());
      return true;
    });
  }
  outcome_.ended_at = now_;
  for (const Attempt& attempt : under_way_) Close(attempt, SimulatedAttempt::End::kStopped, std::min(now_, attempt.begin + attempt.seconds));
  if (auto best = session_.best()) {
    const TuningHistory& history = session_.history();
    outcome_.answer = Canonical(history.trial(*best).config);
    outcome_.best_at = known_at_[outcome_.answer];
    outcome_.gain = history.Gain(*history.FindModel(history.trial(*best).config));
  }
  return std::move(outcome_);
}

}  // namespace

SimulatedOutcome SimulateTeam(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& team) {
  return Team(records, session, team).Run();
}

}  // namespace ns
