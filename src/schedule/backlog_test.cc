#include "schedule/backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr SteadyTime kStart{};
const Backlog::Queue kAnn{"ann", 2}, kUrgent{"ann", 1}, kBob{"bob", 2};

TEST(BacklogTest, GivesBackTheOldestOfAQueueFirst) {
  Backlog backlog;
  for (int64_t order : {3, 5, 9}) backlog.Add(kAnn, order, {});
  backlog.Add(kBob, 4, {});
  EXPECT_THAT(backlog.TakeOldest(kAnn, 2), ElementsAre(3, 5));
  EXPECT_THAT(backlog.TakeOldest(kAnn, 2), ElementsAre(9));
  EXPECT_FALSE(backlog.Has(kAnn));
  EXPECT_THAT(backlog.TakeOldest(kAnn, 2), IsEmpty());
  EXPECT_TRUE(backlog.Has(kBob));
}

TEST(BacklogTest, CountsWhatIsBeforeATask) {
  Backlog backlog;
  for (int64_t order : {3, 5, 9}) backlog.Add(kAnn, order, {});
  for (int64_t order : {4, 6}) backlog.Add(kUrgent, order, {});
  backlog.Add(kBob, 7, {});
  EXPECT_EQ(backlog.Before(kAnn, 9), 2);
  EXPECT_EQ(backlog.Before(kBob, 9), 1);
  EXPECT_EQ(backlog.CountBetter("ann", 2), 2);
  EXPECT_EQ(backlog.CountBetter("ann", 1), 0);
  EXPECT_EQ(backlog.CountBetter("bob", 3), 1);
  EXPECT_EQ(backlog.CountUpTo(1), 2);
  EXPECT_EQ(backlog.CountUpTo(2), 6);
  EXPECT_EQ(backlog.CountOf("ann"), 5);
  EXPECT_EQ(backlog.CountOf("al"), 0);
  EXPECT_THAT(backlog.Those([](const Backlog::Queue& queue) { return queue.second == 2; }), ElementsAre(kAnn, kBob));
}

TEST(BacklogTest, ATaskIsRemovedOnce) {
  Backlog backlog;
  backlog.Add(kAnn, 3, {});
  EXPECT_FALSE(backlog.Remove(kAnn, 2));
  EXPECT_FALSE(backlog.Remove(kBob, 3));
  EXPECT_TRUE(backlog.Contains(kAnn, 3));
  EXPECT_TRUE(backlog.Remove(kAnn, 3));
  EXPECT_FALSE(backlog.Contains(kAnn, 3));
  EXPECT_FALSE(backlog.Remove(kAnn, 3));
  EXPECT_TRUE(backlog.empty());
}

TEST(BacklogTest, GivesBackWhatIsPastItsDeadlineAndStillThere) {
  Backlog backlog;
  backlog.Add(kAnn, 1, kStart + std::chrono::seconds(2));
  backlog.Add(kAnn, 2, kStart + std::chrono::seconds(1));
  backlog.Add(kAnn, 3, kStart + std::chrono::seconds(1));
  backlog.Add(kAnn, 4, {});
  EXPECT_EQ(backlog.next_deadline(), kStart + std::chrono::seconds(1));
  EXPECT_THAT(backlog.TakeOverdue(kStart), IsEmpty());
  EXPECT_TRUE(backlog.Remove(kAnn, 3));
  EXPECT_THAT(backlog.TakeOverdue(kStart + std::chrono::seconds(1)), ElementsAre(2));
  EXPECT_THAT(backlog.TakeOldest(kAnn, 9), ElementsAre(1, 4));
  EXPECT_THAT(backlog.TakeOverdue(kStart + std::chrono::seconds(5)), IsEmpty());
  EXPECT_EQ(backlog.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace ns
