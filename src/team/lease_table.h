// Who does which item of a task: a pure state machine. No clock, threads or I/O: times are seconds that the caller gives, never falling.
//
// An item is open, leased to one worker, finished, or withdrawn. A lease has a number of its own, so that a result that comes after its item
// went to another worker is told apart and refused: each item finishes exactly once. Worker 0 is the lead; its leases never expire. The others
// keep theirs by renewing them; the lease of a worker that dies, hangs or goes opens the item again. One that was lost too often is left
// to the lead, last of all: should it be what kills workers, everything else is done by then.
//
// What is needed never waits for what may turn out to be of use: items that were begun ahead of their time are the assistants' alone, come after all
// others, and give way. What is needed goes to the lead where that is free: nothing travels then, and it is free again when something is due
// that only it does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/status.h"

namespace ns {

struct Lease {
  int64_t number = 0;  // from 1, never given twice
  int64_t item = 0;
  int worker = 0;
  bool operator==(const Lease&) const = default;
};

// Thread-compatible.
class LeaseTable {
 public:
  struct Options {
    double expiry_seconds = 10;  // after the last sign of life
    int losses = 2;              // an item that was lost so often goes to the lead, last of all
  };
  enum class For { kAnyone, kLead, kAhead };

  explicit LeaseTable(Options options) : options_(options) { workers_[0]; }

  // A new open item's number, from 1. They are given out in the order in which they were added, the lead's own before others, those that are ahead of
  // their time after them.
  int64_t Add(For whom);
  // What was ahead of its time is needed now.
  void Need(int64_t item);
  // The lead asks for an item and has none: it will take the first that comes.
  void LeadWaits(bool waits) { lead_waits_ = waits; }
  // So many items more than are open now could be taken at once by the lead and `idle` assistants that have none.
  int Free(int idle) const;
  // Where more that is needed is open than they can take: the last item begun ahead of its time is open again, without having
  // counted as lost. Its lease, for its worker to be told.
  std::optional<Lease> MakeWay(int idle);
  // Not wanted any more: it will never be given out or finish. Returns the lease that it was under, for its worker to be told.
  // Nothing happens to one that has finished.
  std::optional<Lease> Withdraw(int64_t item);

  // A worker (1 or more) is there; what an earlier start of it had leased opens again, without having counted as lost.
  // FailedPrecondition (STALE_FENCE): a start with a greater fence has joined before.
  Status Join(int worker, uint64_t fence, double now);
  // How it went.
  enum class Leaving { kGoodbye, kLost };
  // The start with this fence is gone. Nothing happens when another one has taken its place.
  void Leave(int worker, uint64_t fence, Leaving how);

  // The next item for this worker; none: there is none for it, it has one, or it is not there.
  std::optional<Lease> Take(int worker, double now);
  // A sign of life. `lease`: the one it is working on, 0: none. False: that lease is not its (any longer); it should stop.
  bool Renew(int worker, int64_t lease, double now);
  // True: the item has finished with this. False: the lease is over, the result counts for nothing.
  bool Finish(int64_t lease);
  // The worker cannot do it: counts as lost for the item, not for the worker. Nothing happens when the lease is over.
  void GiveBack(int64_t lease);
  // Opens an item again that an assistant has, without having counted as lost: it is to be done in another way. Its lease, for that one to be told.
  std::optional<Lease> TakeBack(int64_t item);
  // Takes leave of the workers that gave no sign of life for too long; what they had leased opens again. Returns their numbers.
  std::vector<int> Expire(double now);

  bool joined(int worker) const { return workers_.contains(worker); }
  int assistants() const { return static_cast<int>(workers_.size()) - 1; }
  // Workers that hold no lease, the lead among them.
  int idle() const { return static_cast<int>(workers_.size() - leases_.size()); }
  // Items that are neither finished nor withdrawn.
  int unfinished() const { return static_cast<int>(items_.size()); }
  int open() const { return static_cast<int>(items_.size() - leases_.size()); }
  // Of these, that assistants may take.
  int open_for_anyone() const;
  std::optional<Lease> FindLease(int64_t number) const;
  std::optional<Lease> LeaseOf(int worker) const;
  // How often the item was lost; 0: never, or it is over.
  int losses(int64_t item) const;

 private:
  struct Item {
    For whom = For::kAnyone;  // kAnyone, once it is needed
    int losses = 0;
    int64_t lease = 0;  // 0: open
  };
  struct Worker {
    uint64_t fence = 0;
    double seen = 0;
    int64_t lease = 0;  // 0: none
  };

  bool Suspect(const Item& item) const { return item.losses >= options_.losses; }
  bool OpenFor(const Item& item, For whom) const { return item.lease == 0 && item.whom == whom && !Suspect(item); }
  int CountOpen(For whom) const;
  bool LeadIsFree() const;  // for what others could do, too
  std::optional<int64_t> Choose(int worker) const;
  // Ends a lease; the item is open again.
  void Reopen(int64_t lease, bool lost);
  void End(int64_t lease);

  Options options_;
  std::map<int64_t, Item> items_;  // unfinished
  std::map<int64_t, Lease> leases_;
  std::map<int, Worker> workers_;
  std::map<int, uint64_t> fences_;  // the greatest seen
  int64_t last_item_ = 0, last_lease_ = 0;
  bool lead_waits_ = false;
};

}  // namespace ns
