// Those who do the items of a tuning session: this process alone, or a team.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/status.h"
#include "worker/item_runner.h"

namespace ns {

// One thread uses it.
class Workforce {
 public:
  struct Done {
    int64_t id = 0;
    Result<TeamOutcome> outcome;
    int worker = 0;
  };

  virtual ~Workforce() = default;

  virtual int joined() const = 0;  // workers, this process among them
  virtual int most() const = 0;    // that may ever be
  virtual int free() const = 0;    // that could begin something now
  enum class When { kNow, kAhead };  // kAhead: what is needed comes first, whatever has been begun
  // Timing is done by this process, whose timings alone are compared; the rest by anyone. `id` is the caller's; not in use.
  virtual void Begin(int64_t id, TeamTask task, When when) = 0;
  // What was begun ahead of its time is needed now.
  virtual void Need(int64_t) {}
  // What has ended. None: someone came or went, or some time has passed. Cancelled: a stop came.
  virtual Result<std::optional<Done>> Wait() = 0;
  // Not wanted any more: Wait() won't return it.
  virtual void Withdraw(int64_t id) = 0;
  // Ends the workers that can't be of use, all but `useful`; how many.
  virtual int Release(int) { return 0; }
  // For how long there has been nothing to do for a worker.
  virtual double idle_seconds() const { return 0; }

  // Ends what this process's own hands are doing, if anything.
  virtual void Settle() {}
  // This configuration (Canonical) is the best so far: its model is not given up.
  virtual void Keep(const std::string& best) = 0;
  // This process's own hands. It must not be doing anything: Settle().
  virtual ItemRunner& Own() = 0;
};

// This process does one thing after another, when waited for.
class OwnHands final : public Workforce {
 public:
  OwnHands(ItemTools tools, ProgressSink& progress, std::stop_token stop) : runner_(std::move(tools), progress), stop_(std::move(stop)) {}

  int joined() const override { return 1; }
  int most() const override { return 1; }
  int free() const override { return queue_.empty() ? 1 : 0; }
  void Begin(int64_t id, TeamTask task, When) override { queue_.push_back({id, std::move(task)}); }
  Result<std::optional<Done>> Wait() override;
  void Withdraw(int64_t id) override {
    std::erase_if(queue_, [&](const Waiting& one) { return one.id == id; });
  }
  void Keep(const std::string& best) override { runner_.Keep(best); }
  ItemRunner& Own() override { return runner_; }

 private:
  struct Waiting {
    int64_t id = 0;
    TeamTask task;
  };
  ItemRunner runner_;
  std::stop_token stop_;
  std::deque<Waiting> queue_;
};

}  // namespace ns
