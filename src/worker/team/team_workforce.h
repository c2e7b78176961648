// A team as a workforce: this process's own hands on a thread of their own, and the assistants that join at the socket.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "team/rpc/team_server.h"
#include "worker/stage_progress.h"
#include "worker/team/task_codec.h"
#include "worker/team/team_options.h"
#include "worker/workforce.h"

namespace ns {

class TeamWorkforce final : public Workforce {
 public:
  struct Options {
    LeadOptions lead;
    std::string spec;     // TeamSpecToText()
    std::string program;  // version
  };
  // Listens from now on. Errors of TeamServer::Start() and ReadTeamToken().
  static Result<std::unique_ptr<TeamWorkforce>> Start(const Options& options, const Clock& clock, StageProgress& progress, std::stop_token stop);
  // Sends all away.
  ~TeamWorkforce() override;

  // All assistants go; our own hands can still be used directly, not for items.
  void Dismiss() { team_->End("the work has ended"); }
  // What assistants make their early stopper of; before the first trial.
  void UseStopper(std::string text) { stopper_ = blobs_.Add(std::move(text)); }

  int joined() const override { return team_->joined(); }
  int most() const override { return most_; }
  int free() const override { return team_->free(); }
  void Begin(int64_t id, TeamTask task, When when) override;
  void Need(int64_t id) override;
  Result<std::optional<Done>> Wait() override;
  void Withdraw(int64_t id) override;
  int Release(int useful) override;
  double idle_seconds() const override { return team_->idle_seconds(); }
  void Settle() override;
  void Keep(const std::string& best) override { runner_.Keep(best); }
  ItemRunner& Own() override { return runner_; }

 private:
  using TaskPtr = std::shared_ptr<const TeamTask>;
  TeamWorkforce(const Options& options, StageProgress& progress, std::stop_token stop);
  void Work(std::stop_token stop);

  const int most_;
  StageProgress& progress_;
  std::stop_token stop_;
  ItemRunner runner_;
  BlobStore blobs_;
  std::string stopper_;
  std::optional<Team> team_;
  std::unique_ptr<TeamServer> server_;
  std::map<int64_t, int64_t> item_of_;  // by id
  std::map<int64_t, int64_t> id_of_;    // by item
  std::mutex mutex_;                    // of what follows
  std::condition_variable settled_;
  std::map<int64_t, TaskPtr> tasks_;    // by item
  std::map<int64_t, Result<TeamOutcome>> own_outcomes_;
  int64_t own_item_ = 0;                // under way; 0: none
  bool hurry_ = false;                  // Settle() waits
  std::optional<std::stop_source> own_stop_;
  std::jthread hands_;
};

}  // namespace ns
