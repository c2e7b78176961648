#include "worker/team/team_workforce.h"

#include "base/cpu.h"
#include "base/hash.h"
#include "team/rpc/socket_address.h"

namespace ns {

std::string ProcessorName() { return fmt::format("{} ({})", ThisCpu().model, ThisCpu().ToString()); }

namespace {

constexpr double kLook = 1;  // seconds between two looks at who is idle

}  // namespace

TeamWorkforce::TeamWorkforce(const Options& options, StageProgress& progress, std::stop_token stop)
    : most_(options.lead.workers), progress_(progress), stop_(std::move(stop)), runner_({}, progress) {}

Result<std::unique_ptr<TeamWorkforce>> TeamWorkforce::Start(const Options& options, const Clock& clock, StageProgress& progress,
                                                            std::stop_token stop) {
  NS_ASSIGN_OR_RETURN(std::string token, ReadTeamToken(options.lead.token_file));
  std::unique_ptr<TeamWorkforce> workforce(new TeamWorkforce(options, progress, std::move(stop)));
  Team::Options team;
  team.leases.expiry_seconds = options.lead.expiry_seconds;
  team.task = options.spec;
  team.processor = ProcessorName();
  team.blob = [blobs = &workforce->blobs_](const std::string& digest) { return blobs->Get(digest); };
  workforce->team_.emplace(std::move(team), clock);
  double heartbeat = std::min(1.0, options.lead.expiry_seconds / 4);
  NS_ASSIGN_OR_RETURN(workforce->server_, TeamServer::Start({options.lead.socket, token, options.program, heartbeat}, *workforce->team_));
  workforce->hands_ = std::jthread([raw = workforce.get()](std::stop_token ended) { raw->Work(ended); });
  return workforce;
}

TeamWorkforce::~TeamWorkforce() {
  if (server_ == nullptr) return;
  Settle();
  hands_.request_stop();
  hands_.join();
  server_.reset();
}

void TeamWorkforce::Begin(int64_t id, TeamTask task, When when) {
  bool timing = false;
  if (auto* trial = std::get_if<TrialTask>(&task)) timing = std::holds_alternative<TimeItem>(trial->item);
  auto shared = std::make_shared<const TeamTask>(std::move(task));
  std::string piece = Sha256Hex(PieceOf(*shared));
  auto message = [this, shared, piece] { return ItemMessage{KindOf(*shared), TaskToText(*shared, stopper_, &blobs_, team_->Killed(piece))}; };
  std::lock_guard lock(mutex_);  // our own hands may take it at once
  auto others = when == When::kAhead ? LeaseTable::For::kAhead : LeaseTable::For::kAnyone;
  int64_t item = team_->Offer(timing ? LeaseTable::For::kLead : others, message, piece);
  tasks_[item] = shared;
  item_of_[id] = item;
  id_of_[item] = id;
}

void TeamWorkforce::Need(int64_t id) {
  auto found = item_of_.find(id);
  if (found != item_of_.end()) team_->Need(found->second);
}

void TeamWorkforce::Work(std::stop_token stop) {
  while (auto lease = team_->TakeOwn(stop)) {
    std::stop_source own_stop;
    TaskPtr task;
    {
      std::lock_guard lock(mutex_);
      auto found = tasks_.find(lease->item);
      if (found != tasks_.end()) task = found->second;
      own_item_ = lease->item;
      own_stop_ = own_stop;
      if (hurry_) own_stop.request_stop();
    }
    std::stop_callback forward(stop_, [&] { own_stop.request_stop(); });
    auto outcome = task ? runner_.Do(*task, own_stop.get_token(), team_->Killed(Sha256Hex(PieceOf(*task)))) : Result<TeamOutcome>(Cancelled());
    {
      std::lock_guard lock(mutex_);
      if (tasks_.contains(lease->item)) own_outcomes_.insert_or_assign(lease->item, std::move(outcome));
      own_item_ = 0;
      own_stop_.reset();
    }
    team_->FinishOwn(lease->number);
    settled_.notify_all();
  }
}

Result<std::optional<Workforce::Done>> TeamWorkforce::Wait() {
  std::stop_callback wake(stop_, [this] { team_->Wake(); });
  if (stop_.stop_requested()) return Cancelled();
  auto finished = team_->Wait(kLook);
  for (const std::string& news : team_->TakeNews()) progress_.Warn(news);
  if (stop_.stop_requested()) return Cancelled();
  if (!finished || !id_of_.contains(finished->item)) return std::optional<Done>();
  int64_t id = id_of_.at(finished->item);
  id_of_.erase(finished->item);
  item_of_.erase(id);
  std::lock_guard lock(mutex_);
  TaskPtr task = std::move(tasks_.at(finished->item));
  tasks_.erase(finished->item);
  if (finished->worker != 0) return std::optional(Done{id, OutcomeFromBytes(finished->result, *task), finished->worker});
  Done done{id, std::move(own_outcomes_.at(finished->item)), 0};
  own_outcomes_.erase(finished->item);
  return std::optional(std::move(done));
}

void TeamWorkforce::Withdraw(int64_t id) {
  auto found = item_of_.find(id);
  if (found == item_of_.end()) return;
  int64_t item = found->second;
  item_of_.erase(found);
  id_of_.erase(item);
  team_->Withdraw(item);
  std::lock_guard lock(mutex_);
  tasks_.erase(item);
  own_outcomes_.erase(item);
  if (own_item_ == item) own_stop_->request_stop();
}

int TeamWorkforce::Release(int useful) {
  return team_->Release(useful, fmt::format("no more than {} worker{} of use", useful, useful == 1 ? " is" : "s are"));
}

void TeamWorkforce::Settle() {
  while (!item_of_.empty()) Withdraw(item_of_.begin()->first);
  std::unique_lock lock(mutex_);
  hurry_ = true;
  if (own_stop_) own_stop_->request_stop();
  settled_.wait(lock, [&] { return own_item_ == 0; });
  hurry_ = false;
}

}  // namespace ns
