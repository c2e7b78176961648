#include "team/lease_table.h"

#include <algorithm>

namespace ns {

int64_t LeaseTable::Add(For whom) {
  items_[++last_item_].whom = whom;
  return last_item_;
}

std::optional<Lease> LeaseTable::Withdraw(int64_t item) {
  auto found = items_.find(item);
  if (found == items_.end()) return std::nullopt;
  std::optional<Lease> lease;
  if (found->second.lease != 0) {
    lease = leases_.at(found->second.lease);
    End(lease->number);
  }
  items_.erase(item);
  return lease;
}

Status LeaseTable::Join(int worker, uint64_t fence, double now) {
  NS_CHECK(worker > 0, "worker {} cannot join", worker);
  uint64_t& newest = fences_[worker];
  if (fence < newest) {
    return FailedPrecondition(fmt::format("worker {} was started again since (fence {}, now {})", worker, fence, newest), "STALE_FENCE");
  }
  newest = fence;
  if (auto lease = LeaseOf(worker)) Reopen(lease->number, false);
  workers_[worker] = {fence, now, 0};
  return OkStatus();
}

void LeaseTable::Leave(int worker, uint64_t fence, Leaving how) {
  auto found = workers_.find(worker);
  if (worker == 0 || found == workers_.end() || found->second.fence != fence) return;
  if (found->second.lease != 0) Reopen(found->second.lease, how == Leaving::kLost);
  workers_.erase(worker);
}

std::optional<int64_t> LeaseTable::Choose(int worker) const {
  bool left_to_lead = worker != 0 && lead_waits_ && LeadIsFree();  // the first that is needed
  std::optional<int64_t> first, ahead, suspect;
  for (const auto& [number, item] : items_) {
    if (item.lease != 0) continue;
    if (worker == 0 && item.whom == For::kLead) return number;
    if (item.whom == For::kLead || (worker != 0 && Suspect(item))) continue;
    if (item.whom == For::kAhead) {
      if (!ahead && !Suspect(item)) ahead = number;
    } else if (Suspect(item)) {
      if (!suspect) suspect = number;
    } else if (left_to_lead) {
      left_to_lead = false;
    } else if (!first) {
      first = number;
    }
  }
  if (first) return first;
  return worker != 0 ? ahead : suspect;
}

int LeaseTable::CountOpen(For whom) const {
  return static_cast<int>(std::count_if(items_.begin(), items_.end(), [&](const auto& one) { return OpenFor(one.second, whom); }));
}

void LeaseTable::Need(int64_t item) {
  auto found = items_.find(item);
  if (found != items_.end() && found->second.whom == For::kAhead) found->second.whom = For::kAnyone;
}

bool LeaseTable::LeadIsFree() const { return workers_.at(0).lease == 0 && CountOpen(For::kLead) == 0; }

int LeaseTable::Free(int idle) const { return std::max(0, idle + (LeadIsFree() ? 1 : 0) - open_for_anyone()); }

std::optional<Lease> LeaseTable::MakeWay(int idle) {
  if (CountOpen(For::kAnyone) <= idle + (LeadIsFree() ? 1 : 0)) return std::nullopt;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->second.whom != For::kAhead || item->second.lease == 0) continue;
    Lease lease = leases_.at(item->second.lease);
    Reopen(lease.number, false);
    return lease;
  }
  return std::nullopt;
}

std::optional<Lease> LeaseTable::Take(int worker, double now) {
  auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.lease != 0) return std::nullopt;
  auto item = Choose(worker);
  if (!item) return std::nullopt;
  if (worker == 0) lead_waits_ = false;
  Lease lease{++last_lease_, *item, worker};
  leases_[lease.number] = lease;
  items_[*item].lease = lease.number;
  found->second.lease = lease.number;
  found->second.seen = now;
  return lease;
}

bool LeaseTable::Renew(int worker, int64_t lease, double now) {
  auto found = workers_.find(worker);
  if (found == workers_.end()) return false;
  found->second.seen = now;
  return lease == 0 || found->second.lease == lease;
}

bool LeaseTable::Finish(int64_t lease) {
  auto found = leases_.find(lease);
  if (found == leases_.end()) return false;
  int64_t item = found->second.item;
  End(lease);
  items_.erase(item);
  return true;
}

void LeaseTable::GiveBack(int64_t lease) {
  if (leases_.contains(lease)) Reopen(lease, true);
}

std::optional<Lease> LeaseTable::TakeBack(int64_t item) {
  auto found = items_.find(item);
  if (found == items_.end() || found->second.lease == 0) return std::nullopt;
  Lease lease = leases_.at(found->second.lease);
  if (lease.worker == 0) return std::nullopt;
  Reopen(lease.number, false);
  return lease;
}

std::vector<int> LeaseTable::Expire(double now) {
  std::vector<int> gone;
  for (const auto& [number, worker] : workers_)
    if (number != 0 && now - worker.seen > options_.expiry_seconds) gone.push_back(number);
  for (int worker : gone) Leave(worker, workers_.at(worker).fence, Leaving::kLost);
  return gone;
}

int LeaseTable::open_for_anyone() const { return CountOpen(For::kAnyone) + CountOpen(For::kAhead); }

std::optional<Lease> LeaseTable::FindLease(int64_t number) const {
  auto found = leases_.find(number);
  return found == leases_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Lease> LeaseTable::LeaseOf(int worker) const {
  auto found = workers_.find(worker);
  return found == workers_.end() ? std::nullopt : FindLease(found->second.lease);
}

int LeaseTable::losses(int64_t item) const {
  auto found = items_.find(item);
  return found == items_.end() ? 0 : found->second.losses;
}

void LeaseTable::Reopen(int64_t lease, bool lost) {
  Item& item = items_.at(leases_.at(lease).item);
  if (lost) ++item.losses;
  End(lease);
}

void LeaseTable::End(int64_t lease) {
  const Lease& over = leases_.at(lease);
  items_.at(over.item).lease = 0;
  workers_.at(over.worker).lease = 0;
  leases_.erase(lease);
}

}  // namespace ns
