// The pending tasks that could start now, in the order in which they do:
//   1. by class: the task's priority, one better for each `age_step` that it has waited, at best 1;
//   2. in a class by submitter: who holds the fewest slots now, of these the one of whom a task started or ended (or who came) the longest ago;
//   3. of a submitter's tasks in a class the oldest.
// So nothing starves: a task of priority p is in class 1 after (p - 1) * age_step, where only older tasks of its submitter are before it, and
// its submitter has its turn after each other one has had one, whenever that holds as many slots.
//
// A submitter that runs `max_running` tasks is left out until one of them ends.
// Every call takes O(log n). Thread-compatible.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "schedule/ranked_set.h"

namespace ns {

// A task as the scheduler needs it.
struct PendingTask {
  std::string id;
  int priority = 2;
  int64_t order = 0;  // of submission, ascending, unique
  int attempt = 0;    // attempts started so far
  int lost = 0;       // of these, lost ones
  int workers = 1;    // asked for
  bool alone = false;  // assistants are of no use to it
  int assistants = 0;  // started so far: the newest one's fence
  std::string submitter;
  SteadyTime submitted;
  std::optional<SteadyTime> deadline;
};

class PendingQueue {
 public:
  static constexpr int kClasses = 3;
  struct Options {
    std::chrono::milliseconds age_step{std::chrono::hours(1)};
    int max_running = 0;  // tasks of a submitter at a time; 0: any number
  };
  explicit PendingQueue(const Options& options) : options_(options) {}

  // `task` stays where it is until Remove().
  void Add(const PendingTask& task, SteadyTime now);
  void Remove(const PendingTask& task);
  // Moves what has waited long enough to its better class.
  void Age(SteadyTime now);

  // What a submitter holds: slots, and tasks that run. Both counts go up and down; a task that starts or ends takes its turn.
  void CountSlots(const std::string& submitter, int change);
  void CountRunning(const std::string& submitter, int change);
  int slots(const std::string& submitter) const;

  struct Head {
    const PendingTask* task;
    int task_class;
  };
  std::optional<Head> Best() const;
  // Tasks of this class or better whose submitter is not at its limit.
  int64_t CountUpTo(int task_class) const;
  // Tasks that start before this one if nothing ends and nothing else comes: an upper bound, exact with one submitter. Of a submitter at its
  // limit only its own tasks count.
  int64_t Ahead(const PendingTask& task) const;
  bool AtLimit(const std::string& submitter) const;
  // Of this submitter and priority.
  int64_t CountOf(const std::string& submitter, int priority) const;
  size_t size() const { return items_.size(); }
  std::vector<const PendingTask*> Tasks() const;  // in no order
  static int ClassAt(const PendingTask& task, SteadyTime now, std::chrono::milliseconds age_step);

 private:
  struct Submitter {
    std::string name;
    int64_t number = 0;
    int64_t turn = 0;  // when a task of it started or ended last, or when it came
    int slots = 0, running = 0;
    std::array<RankedSet, kClasses + 1> queues;  // keys {order, 0}; [0] is unused
    std::array<int64_t, kClasses + 1> by_priority{};
  };
  struct Item {
    const PendingTask* task;
    Submitter* submitter;
    int task_class;
  };
  // Submitters with tasks in one class and not at their limit. `start` is the share with which a submitter enters the class if all its
  // tasks of better classes had started, `end` the share after those of this class, too.
  struct Class {
    std::set<std::tuple<int, int64_t, Submitter*>> ready;  // slots held, turn
    RankedSet starts, ends;                                // keys {start or end, submitter's number}, which are the weights too
    int64_t tasks = 0;
    std::set<std::pair<SteadyTime, int64_t>> aging;        // when a task leaves for the better class, its order
  };

  bool Blocked(const Submitter& submitter) const { return options_.max_running > 0 && submitter.running >= options_.max_running; }
  Submitter& Find(const std::string& name);
  // Takes a submitter out of all classes, and puts it back after it has changed.
  void Unlink(Submitter& submitter) { Link(submitter, false); }
  void Link(Submitter& submitter, bool in = true);
  void Put(Item& item, SteadyTime now);
  void Forget(Submitter& submitter);
  SteadyTime LeavesAt(const Item& item) const;
  static void Count(Submitter& submitter, const PendingTask& task, int change);

  const Options options_;
  std::map<std::string, std::unique_ptr<Submitter>, std::less<>> submitters_;
  int64_t last_number_ = 0, last_turn_ = 0;
  std::unordered_map<int64_t, Item> items_;  // by order
  std::array<Class, kClasses + 1> classes_;  // [0] is unused
};

}  // namespace ns
