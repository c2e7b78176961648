#include "team/team.h"

#include <fmt/format.h>

#include <algorithm>

namespace ns {

namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 500ms;          // between two looks for leases that have expired
constexpr auto kPatienceAtEnd = 1500ms;

}  // namespace

Team::Team(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), start_(clock.steady()), table_(options_.leases) {
  watch_ = std::jthread([this](std::stop_token stop) { Watch(stop); });
}

Team::~Team() { End("the work has ended"); }

double Team::Now() const { return std::chrono::duration<double>(clock_.steady() - start_).count(); }

// With the lock held.
void Team::Changed() {
  ++changes_;
  for (auto& [worker, member] : members_) {
    if (!member.ready || table_.LeaseOf(worker)) {
      member.idle_since.reset();
    } else if (!member.idle_since) {
      member.idle_since = Now();
    }
  }
  changed_.notify_all();
}

void Team::Watch(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait_for(lock, stop, kLook, [] { return false; });
    for (int worker : table_.Expire(Now())) Lost(worker, "gave no sign of life");
  }
}

// With the lock held; its lease is open again already.
void Team::Lost(int worker, std::string_view how) {
  auto member = members_.find(worker);
  if (member == members_.end()) return;
  if (member->second.ready) news_.push_back(fmt::format("worker {} {}; what it was doing is done by another", worker, how));
  members_.erase(member);
  Changed();
}

bool Team::Speaks(int worker, uint64_t talk) const {
  auto member = members_.find(worker);
  return member != members_.end() && member->second.talk == talk;
}

int64_t Team::Offer(LeaseTable::For whom, std::function<ItemMessage()> message, const std::string& piece) {
  std::lock_guard lock(mutex_);
  int64_t item = table_.Add(whom);
  offered_[item] = {std::move(message), piece};
  MakeWay();
  Changed();
  return item;
}

void Team::Need(int64_t item) {
  std::lock_guard lock(mutex_);
  table_.Need(item);
  MakeWay();
  Changed();
}

// With the lock held: a worker that is to stop has nothing to do, so it gets the next item behind that word.
void Team::MakeWay() {
  while (auto lease = table_.MakeWay(IdleAssistants())) {
    members_.at(lease->worker).orders.push_back(StopOrder{lease->number});
  }
}

void Team::Withdraw(int64_t item) {
  std::lock_guard lock(mutex_);
  offered_.erase(item);
  std::erase_if(finished_, [&](const Finished& one) { return one.item == item; });
  auto lease = table_.Withdraw(item);
  if (lease && lease->worker != 0) members_.at(lease->worker).orders.push_back(StopOrder{lease->number});
  Changed();
}

std::optional<Team::Finished> Team::Wait(double timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(timeout), [&] { return !finished_.empty() || changes_ != seen_; });
  seen_ = changes_;
  if (finished_.empty()) return std::nullopt;
  Finished one = std::move(finished_.front());
  finished_.pop_front();
  return one;
}

int Team::Release(int useful, const std::string& why) {
  std::lock_guard lock(mutex_);
  int staying = 1, released = 0;
  for (const auto& [worker, member] : members_) staying += member.ready && !member.dismissed ? 1 : 0;
  for (auto member = members_.rbegin(); member != members_.rend() && staying > useful; ++member) {
    if (!member->second.ready || member->second.dismissed || table_.LeaseOf(member->first)) continue;
    member->second.dismissed = true;
    member->second.orders.push_back(Farewell{why});
    --staying;
    ++released;
  }
  if (released > 0) Changed();
  return released;
}

void Team::End(const std::string& why) {
  std::unique_lock lock(mutex_);
  ended_ = true;
  for (auto& [worker, member] : members_) {
    if (!member.dismissed) member.orders.push_back(Farewell{why});
    member.dismissed = true;
  }
  Changed();
  changed_.wait_for(lock, kPatienceAtEnd, [&] { return members_.empty(); });
}

std::vector<std::string> Team::TakeNews() {
  std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

int Team::joined() const {
  std::lock_guard lock(mutex_);
  int count = 1;
  for (const auto& [worker, member] : members_) count += member.ready && !member.dismissed ? 1 : 0;
  return count;
}

// With the lock held.
int Team::IdleAssistants() const {
  int count = 0;
  for (const auto& [worker, member] : members_) count += member.ready && !member.dismissed && !table_.LeaseOf(worker) ? 1 : 0;
  return count;
}

int Team::idle() const {
  std::lock_guard lock(mutex_);
  return IdleAssistants() + (table_.LeaseOf(0) ? 0 : 1);
}

double Team::idle_seconds() const {
  std::lock_guard lock(mutex_);
  double longest = 0;
  for (const auto& [worker, member] : members_)
    if (member.idle_since && !member.dismissed) longest = std::max(longest, Now() - *member.idle_since);
  return longest;
}

int Team::free() const {
  std::lock_guard lock(mutex_);
  return table_.Free(IdleAssistants());
}

void Team::Wake() {
  std::lock_guard lock(mutex_);
  Changed();
}

std::optional<Lease> Team::TakeOwn(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  std::optional<Lease> lease;
  table_.LeadWaits(true);
  changed_.wait(lock, stop, [&] {
    if (!ended_) lease = table_.Take(0, Now());
    return ended_ || lease.has_value();
  });
  table_.LeadWaits(false);
  if (lease) Changed();
  return lease;
}

void Team::FinishOwn(int64_t lease) {
  std::lock_guard lock(mutex_);
  auto known = table_.FindLease(lease);
  if (table_.Finish(lease)) {
    offered_.erase(known->item);
    finished_.push_back({known->item, 0, ""});
  }
  Changed();
}

bool Team::Holds(int64_t lease) const {
  std::lock_guard lock(mutex_);
  return table_.FindLease(lease).has_value();
}

Result<uint64_t> Team::Join(int worker, uint64_t fence, const std::string& processor) {
  std::lock_guard lock(mutex_);
  if (ended_) return Unavailable("the work has ended", "ENDED");
  NS_RETURN_IF_ERROR(table_.Join(worker, fence, Now()));
  if (!options_.processor.empty() && !processor.empty() && processor != options_.processor) {
    news_.push_back(fmt::format("worker {} has another processor, {}: what it finds may differ from the lead's in the last digits", worker, processor));
  }
  members_[worker] = Member{fence, ++last_talk_, false, {}, false, {}};
  Changed();
  return last_talk_;
}

void Team::TellKilled(int worker, const std::vector<std::string>& pieces) {
  std::lock_guard lock(mutex_);
  std::map<std::string, int> told;
  for (const std::string& piece : pieces) ++told[piece];
  for (const auto& [piece, times] : told) {
    if (std::exchange(killed_[worker][piece], std::max(times, killed_[worker][piece])) >= times) continue;
    news_.push_back(fmt::format("worker {} was killed for its memory; what it was doing is done with one thread, row by row", worker));
    for (const auto& [item, offered] : offered_) {
      auto lease = offered.piece == piece ? table_.TakeBack(item) : std::nullopt;
      if (lease) members_.at(lease->worker).orders.push_back(StopOrder{lease->number});
    }
  }
  Changed();
}

int Team::Killed(const std::string& piece) const {
  std::lock_guard lock(mutex_);
  int times = 0;
  for (const auto& [worker, pieces] : killed_)
    if (auto found = pieces.find(piece); found != pieces.end()) times += found->second;
  return times;
}

void Team::Ready(int worker, uint64_t talk) {
  std::lock_guard lock(mutex_);
  if (!Speaks(worker, talk)) return;
  members_.at(worker).ready = true;
  table_.Renew(worker, 0, Now());
  Changed();
}

Order Team::NextOrder(int worker, uint64_t talk) {
  std::unique_lock lock(mutex_);
  std::optional<Order> order;
  std::function<ItemMessage()> message;
  changed_.wait(lock, [&] {
    if (!Speaks(worker, talk)) {
      order = Farewell{};
      return true;
    }
    Member& member = members_.at(worker);
    if (!member.orders.empty()) {
      order = std::move(member.orders.front());
      member.orders.pop_front();
    } else if (member.ready && !member.dismissed) {
      if (auto lease = table_.Take(worker, Now())) {
        message = offered_.at(lease->item).message;
        order = Assignment{lease->number, {}};
      }
    }
    return order.has_value();
  });
  Changed();
  lock.unlock();
  if (message) std::get<Assignment>(*order).item = message();
  return *std::move(order);
}

void Team::Heartbeat(int worker, uint64_t talk, int64_t lease, double) {
  std::lock_guard lock(mutex_);
  if (!Speaks(worker, talk) || table_.Renew(worker, lease, Now())) return;
  members_.at(worker).orders.push_back(StopOrder{lease});
  Changed();
}

void Team::Finish(int worker, uint64_t talk, int64_t lease, std::string result) {
  std::lock_guard lock(mutex_);
  auto known = table_.FindLease(lease);
  if (!Speaks(worker, talk) || !known || known->worker != worker) return;
  table_.Renew(worker, lease, Now());
  if (table_.Finish(lease)) {
    offered_.erase(known->item);
    finished_.push_back({known->item, worker, std::move(result)});
  }
  Changed();
}

void Team::GiveBack(int worker, uint64_t talk, int64_t lease, const std::string& why) {
  std::lock_guard lock(mutex_);
  auto known = table_.FindLease(lease);
  if (!Speaks(worker, talk) || !known || known->worker != worker) return;
  table_.GiveBack(lease);
  news_.push_back(fmt::format("worker {} could not do its item, another will: {}", worker, why));
  Changed();
}

void Team::Leave(int worker, uint64_t talk, LeaseTable::Leaving how) {
  std::lock_guard lock(mutex_);
  if (!Speaks(worker, talk)) return;
  bool dismissed = members_.at(worker).dismissed;
  table_.Leave(worker, members_.at(worker).fence, dismissed ? LeaseTable::Leaving::kGoodbye : how);
  if (dismissed || how == LeaseTable::Leaving::kGoodbye) {
    members_.erase(worker);
    Changed();
  } else {
    Lost(worker, "was lost");
  }
}

}  // namespace ns
