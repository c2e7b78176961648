// A task's assistants, as the scheduler keeps them: which numbers are taken, which may be started, and when.
#pragma once

#include <climits>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"

namespace ns {

// Thread-compatible.
struct Roster {
  struct Assistant {
    int worker = 0;
    int slot = -1;           // -1: one that is not there today
    bool counted = false;    // its slot is counted for the submitter
    bool releasing = false;  // it was told to end
  };

  std::string id, submitter;
  bool led = false;             // its lead runs, so that it may grow
  int task_class = 1;           // of its task when that started
  int useful = INT_MAX;         // workers that its lead has work for, itself among them
  std::map<int, Assistant> assistants;  // by fence
  int releasing = 0;            // of these
  std::optional<SteadyTime> give_up;    // its assistants go if no lead has come by then
  std::optional<SteadyTime> timer;      // its entry in the scheduler's timers

  int size() const { return static_cast<int>(assistants.size()); }
  // Places of assistants that are taken: also by those that rest, or were lost too often.
  int taken() const { return size() + static_cast<int>(resting_.size()) + gone_; }

  // The lowest number that is free. Taken until Rest(), Free() or Retire().
  int TakeNumber();
  // A worker that runs already has it.
  void Take(int worker);
  // Free from `until` on.
  void Rest(int worker, SteadyTime until) { resting_.emplace(until, worker); }
  void Free(int worker) { free_.insert(worker); }
  // Never again.
  void Retire() { ++gone_; }
  int gone() const { return gone_; }
  // Counts a loss of the number; how many it has now.
  int Lost(int worker) { return ++losses_[worker]; }
  // Those that have rested by `now` are free.
  void Wake(SteadyTime now);
  // When Wake() or `give_up` is due.
  std::optional<SteadyTime> next() const;

 private:
  int highest_ = 0;
  std::set<int> free_;  // of those up to highest_
  std::multimap<SteadyTime, int> resting_;
  std::map<int, int> losses_;
  int gone_ = 0;
};

}  // namespace ns
