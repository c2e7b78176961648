// The lead's end of a team, for the threads that use it: whoever decides offers items and waits for results; the lead's own hands and one
// conversation with each assistant take them. Who does what is the lease table's; this adds waiting, a clock, and what assistants are to be told.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "team/lease_table.h"

namespace ns {

// An item as an assistant is told of it.
struct ItemMessage {
  std::string kind;  // for people
  std::string payload;
};

// What an assistant hears. The conversation ends after a Farewell.
struct Assignment {
  int64_t lease = 0;
  ItemMessage item;
};
struct StopOrder {
  int64_t lease = 0;
};
struct Farewell {
  std::string why;  // empty: without a word, the connection is another's by now
};
using Order = std::variant<Assignment, StopOrder, Farewell>;

// Thread-safe.
class Team {
 public:
  struct Options {
    LeaseTable::Options leases;
    std::string task;  // for those who join: what the task is
    std::string processor;  // the lead's; where another one joins, a line says so
    // The content behind a digest; none: there is none. Called from several threads.
    std::function<std::optional<std::string>(const std::string& digest)> blob = [](const std::string&) { return std::nullopt; };
  };
  Team(Options options, const Clock& clock);
  ~Team();

  const std::string& task() const { return options_.task; }
  std::optional<std::string> Blob(const std::string& digest) const { return options_.blob(digest); }

  // --- of whoever decides
  // `message` is asked for when an assistant gets the item, by its thread. `piece`: the digest of what it is called where workers are killed for their
  // memory; empty: nothing.
  int64_t Offer(LeaseTable::For whom, std::function<ItemMessage()> message, const std::string& piece = "");
  // How often assistants were killed for their memory with it.
  int Killed(const std::string& piece) const;
  void Withdraw(int64_t item);
  // What was offered as ahead of its time is needed now.
  void Need(int64_t item);
  struct Finished {
    int64_t item = 0;
    int worker = 0;
    std::string result;  // as the assistant sent it; of the lead's own: empty
  };
  // The next finished item. None: `timeout` seconds have passed, or someone came, went or became idle; look again.
  std::optional<Finished> Wait(double timeout);
  // Sends the idle assistants with the greatest numbers away until `useful` workers are left; returns how many went.
  int Release(int useful, const std::string& why);
  // All go; nobody may join any more. Waits a moment for them to hear it.
  void End(const std::string& why);
  // Wait() returns.
  void Wake();
  // Lines about assistants that were lost, since the last call.
  std::vector<std::string> TakeNews();

  int joined() const;                // workers that are ready, the lead among them
  int idle() const;                  // of these, without an item
  double idle_seconds() const;       // for how long the assistant that has waited longest has had no item; 0: none waits
  int free() const;                  // that would take more items than are open now

  // --- of the lead's own hands
  // Its next item; none: the end, or `stop`. Blocks.
  std::optional<Lease> TakeOwn(std::stop_token stop);
  void FinishOwn(int64_t lease);
  // True while that lease is wanted.
  bool Holds(int64_t lease) const;

  // --- of the conversations
  // A number for the conversation that the worker begins with this; an earlier one of the same worker is over. Errors of LeaseTable::Join();
  // Unavailable: the work has ended.
  Result<uint64_t> Join(int worker, uint64_t fence, const std::string& processor = "");
  // Which pieces it was killed for its memory with, once for each time, all since its first start. Who has one of them now starts it again, smaller.
  void TellKilled(int worker, const std::vector<std::string>& pieces);
  void Ready(int worker, uint64_t talk);
  // The next thing to tell it. Blocks.
  Order NextOrder(int worker, uint64_t talk);
  void Heartbeat(int worker, uint64_t talk, int64_t lease, double done);
  void Finish(int worker, uint64_t talk, int64_t lease, std::string result);
  void GiveBack(int worker, uint64_t talk, int64_t lease, const std::string& why);
  // Its conversation is over.
  void Leave(int worker, uint64_t talk, LeaseTable::Leaving how);

 private:
  struct Member {
    uint64_t fence = 0, talk = 0;
    bool ready = false;
    std::deque<Order> orders;  // that come before items
    bool dismissed = false;
    std::optional<double> idle_since;
  };

  double Now() const;
  void Watch(std::stop_token stop);
  void Changed();
  bool Speaks(int worker, uint64_t talk) const;
  void Lost(int worker, std::string_view how);
  int IdleAssistants() const;
  void MakeWay();

  const Options options_;
  const Clock& clock_;
  const SteadyTime start_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;   // for everybody
  LeaseTable table_;
  std::map<int, Member> members_;
  struct Offered {
    std::function<ItemMessage()> message;
    std::string piece;
  };
  std::map<int64_t, Offered> offered_;                           // by item
  std::map<int, std::map<std::string, int>> killed_;             // by worker: how often with each piece
  std::deque<Finished> finished_;
  std::vector<std::string> news_;
  bool ended_ = false;
  uint64_t changes_ = 0, seen_ = 0, last_talk_ = 0;
  std::jthread watch_;
};

}  // namespace ns
