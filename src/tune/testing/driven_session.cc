#include "tune/testing/driven_session.h"

#include <map>
#include <random>

namespace ns {

DrivenSession Drive(const Worker& work_on, const TuningSession::Options& options, int workers, uint64_t order_seed) {
  auto created = TuningSession::Create(options);
  NS_CHECK(created.ok(), "{}", created.status().message());
  TuningSession& session = *created;
  std::mt19937_64 random(order_seed);
  std::vector<TuningWork> under_way;
  DrivenSession driven;
  std::map<int, int> begun_when_ended;  // by trial
  for (int round = 0;; ++round) {
    NS_CHECK(round < 100'000, "{} does not end", options.strategy);
    auto give_up = [&] {
      for (int id : session.GiveUp()) std::erase_if(under_way, [&](const TuningWork& work) { return work.id == id; });
    };
    give_up();
    for (TuningWork& work : session.Next({}, workers - static_cast<int>(under_way.size()))) {
      if (work.trial > 0) driven.labels.push_back(session.history().trial(work.trial).label);
      under_way.push_back(std::move(work));
    }
    give_up();
    if (under_way.empty()) break;
    size_t next = random() % under_way.size();
    TuningWork work = std::move(under_way[next]);
    under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(next));
    session.Observe(work.id, work_on(work.item));
    if (work.trial == 0) continue;
    begun_when_ended[work.trial] = session.history().evaluations();
    if (session.history().trial(work.trial).accepted && driven.until_accepted == 0)
      driven.until_accepted = session.history().evaluations();
  }
  driven.evaluations = session.history().evaluations();
  driven.answer = session.answer();
  if (auto best = session.best()) {
    driven.until_best = begun_when_ended[*best];
    const TuningHistory& history = session.history();
    driven.gain = history.Gain(*history.FindModel(history.trial(*best).config));
  }
  return driven;
}

}  // namespace ns
