#include "team/lease_table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ns {
namespace {

using For = LeaseTable::For;
using Leaving = LeaseTable::Leaving;

LeaseTable TableWith(int assistants) {
  LeaseTable table({});
  for (int worker = 1; worker <= assistants; ++worker) EXPECT_TRUE(table.Join(worker, 1, 0).ok());
  return table;
}

TEST(LeaseTable, GivesItemsInTheirOrderToWhoeverAsks) {
  LeaseTable table = TableWith(1);
  int64_t first = table.Add(For::kAnyone), second = table.Add(For::kAnyone);
  EXPECT_EQ(table.Take(1, 0)->item, first);
  EXPECT_EQ(table.Take(0, 0)->item, second);
  EXPECT_EQ(table.open(), 0);
  EXPECT_EQ(table.unfinished(), 2);
}

TEST(LeaseTable, GivesAWorkerOneItemAtATime) {
  LeaseTable table = TableWith(1);
  table.Add(For::kAnyone);
  table.Add(For::kAnyone);
  auto lease = table.Take(1, 0);
  EXPECT_FALSE(table.Take(1, 0));
  EXPECT_TRUE(table.Finish(lease->number));
  EXPECT_TRUE(table.Take(1, 0));
}

TEST(LeaseTable, KeepsTheLeadsOwnItemsForItAndBeforeOthers) {
  LeaseTable table = TableWith(1);
  int64_t any = table.Add(For::kAnyone), own = table.Add(For::kLead);
  EXPECT_EQ(table.Take(0, 0)->item, own);
  EXPECT_EQ(table.Take(1, 0)->item, any);
  table.Add(For::kLead);
  EXPECT_FALSE(table.Take(1, 0));
}

TEST(LeaseTable, GivesNothingToAWorkerThatHasNotJoined) {
  LeaseTable table = TableWith(0);
  table.Add(For::kAnyone);
  EXPECT_FALSE(table.Take(1, 0));
}

TEST(LeaseTable, ExpiresALeaseThatIsNotRenewedAndRefusesItsLateResult) {
  LeaseTable table = TableWith(2);
  int64_t item = table.Add(For::kAnyone);
  auto lost = table.Take(1, 0);
  EXPECT_TRUE(table.Renew(2, 0, 5));
  EXPECT_TRUE(table.Expire(10).empty());  // 10 s without a sign are allowed
  EXPECT_EQ(table.Expire(10.5), std::vector<int>{1});
  EXPECT_FALSE(table.joined(1));
  EXPECT_TRUE(table.Renew(2, 0, 11));
  auto again = table.Take(2, 11);
  EXPECT_EQ(again->item, item);
  EXPECT_FALSE(table.Finish(lost->number));
  EXPECT_TRUE(table.Finish(again->number));
  EXPECT_EQ(table.unfinished(), 0);
}

TEST(LeaseTable, KeepsALeaseThatIsRenewed) {
  LeaseTable table = TableWith(1);
  table.Add(For::kAnyone);
  auto lease = table.Take(1, 0);
  for (double now = 8; now < 100; now += 8) {
    EXPECT_TRUE(table.Renew(1, lease->number, now));
    EXPECT_TRUE(table.Expire(now + 1).empty());
  }
  EXPECT_TRUE(table.Finish(lease->number));
}

TEST(LeaseTable, NeverExpiresTheLead) {
  LeaseTable table = TableWith(0);
  table.Add(For::kAnyone);
  auto lease = table.Take(0, 0);
  EXPECT_TRUE(table.Expire(1e9).empty());
  EXPECT_TRUE(table.Finish(lease->number));
}

TEST(LeaseTable, CountsAResultOnce) {
  LeaseTable table = TableWith(0);
  table.Add(For::kAnyone);
  auto lease = table.Take(0, 0);
  EXPECT_TRUE(table.Finish(lease->number));
  EXPECT_FALSE(table.Finish(lease->number));
}

TEST(LeaseTable, TellsAWorkerToStopWhenItsLeaseIsOver) {
  LeaseTable table = TableWith(1);
  int64_t item = table.Add(For::kAnyone);
  auto lease = table.Take(1, 0);
  EXPECT_EQ(table.Withdraw(item), lease);
  EXPECT_FALSE(table.Renew(1, lease->number, 1));
  EXPECT_FALSE(table.Finish(lease->number));
  EXPECT_EQ(table.unfinished(), 0);
  EXPECT_EQ(table.idle(), 2);
}

TEST(LeaseTable, LetsALaterStartOfAWorkerTakeItsPlace) {
  LeaseTable table = TableWith(0);
  int64_t item = table.Add(For::kAnyone);
  ASSERT_TRUE(table.Join(1, 3, 0).ok());
  auto lease = table.Take(1, 0);
  EXPECT_EQ(table.Join(1, 2, 1).reason(), "STALE_FENCE");
  ASSERT_TRUE(table.Join(1, 4, 1).ok());
  EXPECT_FALSE(table.Finish(lease->number));
  EXPECT_EQ(table.losses(item), 0);
  table.Leave(1, 3, Leaving::kLost);  // the earlier one's connection breaks only now
  EXPECT_TRUE(table.joined(1));
  EXPECT_EQ(table.Take(1, 1)->item, item);
}

TEST(LeaseTable, RefusesAnEarlierStartEvenAfterTheLaterOneLeft) {
  LeaseTable table = TableWith(0);
  ASSERT_TRUE(table.Join(1, 4, 0).ok());
  table.Leave(1, 4, Leaving::kGoodbye);
  EXPECT_EQ(table.Join(1, 3, 1).reason(), "STALE_FENCE");
}

TEST(LeaseTable, LeavesAnItemThatWasLostTwiceToTheLeadWhenAllElseIsDone) {
  LeaseTable table = TableWith(3);
  int64_t deadly = table.Add(For::kAnyone);
  table.Take(1, 0);
  table.Leave(1, 1, Leaving::kLost);
  table.GiveBack(table.Take(2, 0)->number);
  EXPECT_EQ(table.losses(deadly), 2);
  EXPECT_FALSE(table.Take(3, 0));
  int64_t other = table.Add(For::kAnyone);
  auto lease = table.Take(0, 0);
  EXPECT_EQ(lease->item, other);
  EXPECT_TRUE(table.Finish(lease->number));
  EXPECT_EQ(table.Take(0, 0)->item, deadly);
}

TEST(LeaseTable, DoesNotHoldAGoodbyeAgainstTheItem) {
  LeaseTable table = TableWith(1);
  int64_t item = table.Add(For::kAnyone);
  table.Take(1, 0);
  table.Leave(1, 1, Leaving::kGoodbye);
  EXPECT_EQ(table.losses(item), 0);
  EXPECT_EQ(table.open(), 1);
}

TEST(LeaseTable, LeavesTheFirstThatIsNeededToALeadThatWaits) {
  LeaseTable table = TableWith(2);
  table.LeadWaits(true);
  int64_t first = table.Add(For::kAnyone), second = table.Add(For::kAnyone);
  EXPECT_EQ(table.Take(1, 0)->item, second);
  EXPECT_FALSE(table.Take(2, 0));
  EXPECT_EQ(table.Take(0, 0)->item, first);
  int64_t third = table.Add(For::kAnyone);
  EXPECT_EQ(table.Take(2, 0)->item, third) << "the lead has something to do";
}

TEST(LeaseTable, LeavesNothingToALeadThatHasAnItemOfItsOwn) {
  LeaseTable table = TableWith(1);
  table.LeadWaits(true);
  int64_t any = table.Add(For::kAnyone);
  table.Add(For::kLead);
  EXPECT_EQ(table.Take(1, 0)->item, any);
}

TEST(LeaseTable, GivesWhatIsAheadOfItsTimeToAssistantsAloneAndLast) {
  LeaseTable table = TableWith(2);
  int64_t ahead = table.Add(For::kAhead), needed = table.Add(For::kAnyone);
  EXPECT_EQ(table.Take(1, 0)->item, needed);
  EXPECT_FALSE(table.Take(0, 0));
  EXPECT_EQ(table.Take(2, 0)->item, ahead);
  int64_t later = table.Add(For::kAhead);
  EXPECT_FALSE(table.Take(0, 0));
  table.Need(later);
  EXPECT_EQ(table.Take(0, 0)->item, later);
}

TEST(LeaseTable, WhatIsAheadOfItsTimeGivesWayToWhatIsNeeded) {
  LeaseTable table = TableWith(2);
  table.Add(For::kAnyone);
  table.Take(0, 0);
  int64_t likelier = table.Add(For::kAhead), last = table.Add(For::kAhead);
  ASSERT_EQ(table.Take(1, 0)->item, likelier);
  auto lease = table.Take(2, 0);
  EXPECT_FALSE(table.MakeWay(0)) << "nothing waits";
  int64_t needed = table.Add(For::kAnyone);
  EXPECT_EQ(table.MakeWay(0), lease);
  EXPECT_FALSE(table.MakeWay(1)) << "one is idle now";
  EXPECT_FALSE(table.Finish(lease->number)) << "too late";
  EXPECT_EQ(table.losses(last), 0);
  EXPECT_EQ(table.Take(2, 0)->item, needed);
}

TEST(LeaseTable, NothingGivesWayWhereTheLeadIsFree) {
  LeaseTable table = TableWith(1);
  table.Add(For::kAhead);
  table.Take(1, 0);
  table.Add(For::kAnyone);
  EXPECT_EQ(table.Free(0), 0);
  EXPECT_FALSE(table.MakeWay(0));
  table.Add(For::kLead);
  EXPECT_TRUE(table.MakeWay(0)) << "it will take its own";
}

TEST(LeaseTable, WhatIsAheadOfItsTimeAndWasLostTwiceWaitsUntilItIsNeeded) {
  LeaseTable table = TableWith(1);
  int64_t deadly = table.Add(For::kAhead);
  for (int i = 0; i < 2; ++i) table.GiveBack(table.Take(1, 0)->number);
  EXPECT_FALSE(table.Take(1, 0));
  EXPECT_FALSE(table.Take(0, 0));
  table.Need(deadly);
  EXPECT_EQ(table.Take(0, 0)->item, deadly);
}

TEST(LeaseTable, TakesAnItemBackFromAnAssistantButNotFromTheLead) {
  LeaseTable table = TableWith(1);
  int64_t first = table.Add(For::kAnyone);
  auto lease = table.Take(1, 0);
  EXPECT_EQ(table.TakeBack(first), lease);
  EXPECT_FALSE(table.TakeBack(first)) << "open";
  EXPECT_EQ(table.losses(first), 0);
  EXPECT_EQ(table.Take(0, 0)->item, first);
  EXPECT_FALSE(table.TakeBack(first));
}

// Workers that die, hang, come back, give back and report late, at random: each item that was not withdrawn finishes exactly once.
class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), table_({}) {}

  void Run() {
    for (int step = 0; step < 400; ++step) {
      now_ += Below(30) / 10.0;
      for (int worker : table_.Expire(now_)) starts_.erase(worker);
      Act(static_cast<int>(Below(kWorkers)), static_cast<int>(Below(12)));
      ASSERT_LE(table_.open(), table_.unfinished());
    }
    // The lead alone does what is left.
    for (int worker = 1; worker < kWorkers; ++worker) table_.Leave(worker, fences_[worker], Leaving::kGoodbye);
    if (auto own = table_.LeaseOf(0)) Finish(own->number);
    for (int64_t item : items_) table_.Need(item);
    while (auto lease = table_.Take(0, now_)) Finish(lease->number);
    EXPECT_EQ(table_.unfinished(), 0);
    EXPECT_EQ(finished_.size() + withdrawn_.size(), items_.size());
  }

 private:
  static constexpr int kWorkers = 5;
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  void Finish(int64_t number) {
    auto lease = table_.FindLease(number);
    bool counted = table_.Finish(number);
    EXPECT_EQ(counted, lease.has_value());
    if (!counted) return;
    EXPECT_TRUE(finished_.insert(lease->item).second) << "item " << lease->item << " finished twice";
    EXPECT_FALSE(withdrawn_.contains(lease->item));
  }

  void Act(int worker, int what) {
    bool lead = worker == 0;
    if (what < 2) {
      constexpr For kWhom[] = {For::kLead, For::kAnyone, For::kAnyone, For::kAnyone, For::kAhead, For::kAhead};
      items_.push_back(table_.Add(kWhom[Below(6)]));
      auto lease = table_.MakeWay(0);
      EXPECT_FALSE(lease && lease->worker == 0);
    } else if (what < 5) {
      if (auto lease = table_.Take(worker, now_)) {
        EXPECT_TRUE(worker == 0 || starts_.contains(worker));
        given_.push_back(lease->number);
      }
    } else if (what == 5 && !lead && !starts_.contains(worker)) {
      EXPECT_TRUE(table_.Join(worker, ++fences_[worker], now_).ok());
      starts_.insert(worker);
    } else if (what == 6 && !lead && starts_.erase(worker) > 0) {
      table_.Leave(worker, fences_[worker], Below(2) == 0 ? Leaving::kLost : Leaving::kGoodbye);
    } else if (what == 10 && !items_.empty()) {
      table_.Need(items_[Below(items_.size())]);
      table_.LeadWaits(Below(2) == 0 && !table_.LeaseOf(0));
    } else if (what == 7 && !items_.empty()) {
      int64_t item = items_[Below(items_.size())];
      if (!finished_.contains(item)) withdrawn_.insert(item);
      table_.Withdraw(item);
    } else if (what == 8 && !given_.empty()) {
      Finish(given_[Below(given_.size())]);  // some are late, some come again
    } else if (what == 9 && !given_.empty()) {
      table_.GiveBack(given_[Below(given_.size())]);
    } else if (auto lease = table_.LeaseOf(worker)) {
      EXPECT_TRUE(table_.Renew(worker, lease->number, now_));
      if (what == 11) Finish(lease->number);
    }
  }

  std::mt19937_64 random_;
  LeaseTable table_;
  double now_ = 0;
  std::vector<int64_t> items_, given_;
  std::set<int64_t> finished_, withdrawn_;
  std::set<int> starts_;
  std::map<int, uint64_t> fences_;
};

TEST(LeaseTable, FinishesEachItemExactlyOnceWhateverWorkersDo) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace ns
