#include "team_simulation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>

namespace ns {

namespace {

constexpr int kMostSteps = 1'000'000;

class Team {
 public:
  Team(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& options)
      : records_(records), options_(options), session_(TuningSession::Create(session).value()), random_(options.seed) {
    free_at_.assign(static_cast<size_t>(options.workers), 0);
    if (coordinates()) free_at_[0] = std::numeric_limits<double>::infinity();
  }

  SimulatedOutcome Run();

 private:
  struct Attempt {
    TuningWork work;
    RecordedItem record;
    size_t worker = 0;
    double ends = 0;
    bool lost = false;
  };

  bool coordinates() const { return options_.stage_items > 0 && options_.workers > 1; }  // the first does, and works on nothing
  size_t timer() const { return coordinates() ? 1 : 0; }                                // where timing is done
  std::vector<size_t> Idle() const;
  void HandOut();
  bool Give(const TuningWork& work, std::vector<size_t>* idle);
  void Start(const TuningWork& work, size_t worker);
  void End(const Attempt& attempt);

  const ItemRecords& records_;
  TeamOptions options_;
  TuningSession session_;
  std::mt19937_64 random_;
  double now_ = 0;
  std::vector<double> free_at_;       // by worker: when it can take an item
  std::vector<TuningWork> waiting_;   // given back by a lost worker, or for the lead alone
  std::vector<Attempt> under_way_;
  std::map<std::string, double> known_at_;  // by configuration
  SimulatedOutcome outcome_;
};

std::vector<size_t> Team::Idle() const {
  std::vector<size_t> idle;
  for (size_t worker = 0; worker < free_at_.size(); ++worker) {
    bool busy = std::any_of(under_way_.begin(), under_way_.end(), [&](const Attempt& a) { return a.worker == worker; });
    if (!busy && free_at_[worker] <= now_) idle.push_back(worker);
  }
  return idle;
}

void Team::Start(const TuningWork& work, size_t worker) {
  Attempt attempt{work, records_(work.item), worker};
  bool remote = worker != 0;
  double seconds = attempt.record.seconds;
  if (remote && options_.mean_time_to_loss > 0) {
    double until_loss = std::exponential_distribution<double>(1 / options_.mean_time_to_loss)(random_);
    if (until_loss < seconds) {
      attempt.lost = true;
      seconds = until_loss;
    }
  }
  outcome_.busy_seconds += seconds;
  outcome_.cost[KeyOf(work.item)] += seconds;
  attempt.ends = now_ + seconds + (remote ? options_.round_trip : 0);
  if (attempt.lost) {
    ++outcome_.lost;
    attempt.ends += options_.lease_seconds;
    free_at_[worker] = now_ + seconds + options_.restart_seconds;
  }
  under_way_.push_back(std::move(attempt));
}

// False when it must wait.
bool Team::Give(const TuningWork& work, std::vector<size_t>* idle) {
  auto worker = std::holds_alternative<TimeItem>(work.item) ? std::find(idle->begin(), idle->end(), timer()) : idle->end() - (idle->empty() ? 0 : 1);
  if (worker == idle->end()) return false;
  Start(work, *worker);
  idle->erase(worker);
  return true;
}

void Team::HandOut() {
  std::vector<size_t> idle = Idle();
  std::vector<TuningWork> still;
  for (TuningWork& work : waiting_) {
    if (!Give(work, &idle)) still.push_back(std::move(work));
  }
  waiting_ = std::move(still);
  bool stages = options_.stage_items > 0;
  if (idle.empty() || (stages && !(waiting_.empty() && under_way_.empty()))) return;
  for (TuningWork& work : session_.Next({}, stages ? options_.stage_items : static_cast<int>(idle.size()))) {
    if (!Give(work, &idle)) waiting_.push_back(std::move(work));
  }
}

void Team::End(const Attempt& attempt) {
  if (attempt.lost) {
    waiting_.insert(waiting_.begin(), attempt.work);
    return;
  }
  outcome_.items.insert(KeyOf(attempt.work.item));
  session_.Observe(attempt.work.id, attempt.record.result);
  if (attempt.work.trial == 0) return;
  const Trial& trial = session_.history().trial(attempt.work.trial);
  known_at_[Canonical(trial.config)] = now_;
  if (trial.accepted && outcome_.accepted_at == 0) outcome_.accepted_at = now_;
}

SimulatedOutcome Team::Run() {
  for (int step = 0;; ++step) {
    NS_CHECK(step < kMostSteps, "tuning does not end");
    HandOut();
    double next = std::numeric_limits<double>::infinity();
    for (const Attempt& attempt : under_way_) next = std::min(next, attempt.ends);
    if (under_way_.empty() && waiting_.empty()) break;  // everybody is idle and the session has nothing more
    if (options_.stage_items == 0 && session_.decided()) break;  // what is still under way is not waited for
    for (double free : free_at_) {
      if (free > now_) next = std::min(next, free);
    }
    NS_CHECK(next < std::numeric_limits<double>::infinity(), "work waits and nobody can take it");
    now_ = next;
    for (size_t i = 0; i < under_way_.size();) {
      if (under_way_[i].ends > now_) {
        ++i;
        continue;
      }
      Attempt ended = std::move(under_way_[i]);
      under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
      End(ended);
    }
  }
  outcome_.ended_at = now_;
  if (auto best = session_.best()) {
    outcome_.answer = Canonical(session_.history().trial(*best).config);
    outcome_.best_at = known_at_[outcome_.answer];
  }
  return std::move(outcome_);
}

}  // namespace

SimulatedOutcome SimulateTeam(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& team) {
  return Team(records, session, team).Run();
}

}  // namespace ns
