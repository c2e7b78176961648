#include "schedule/roster.h"

namespace ns {

int Roster::TakeNumber() {
  if (free_.empty()) return ++highest_;
  int worker = *free_.begin();
  free_.erase(free_.begin());
  return worker;
}

void Roster::Take(int worker) {
  while (highest_ < worker) free_.insert(++highest_);
  free_.erase(worker);
}

void Roster::Wake(SteadyTime now) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    free_.insert(resting_.begin()->second);
    resting_.erase(resting_.begin());
  }
}

std::optional<SteadyTime> Roster::next() const {
  if (resting_.empty()) return give_up;
  if (!give_up) return resting_.begin()->first;
  return std::min(*give_up, resting_.begin()->first);
}

}  // namespace ns
