#include "service/event_feed.h"

#include <gtest/gtest.h>

#include <thread>

namespace ns {
namespace {


TEST(EventFeedTest, WakesTheFollowersOfTheTaskThatChangedAndNoOthers) {
  EventFeed feed;
  int mine = 0, mine_too = 0, other = 0;
  auto first = feed.Subscribe("a", [&] { ++mine; });
  auto second = feed.Subscribe("a", [&] { ++mine_too; });
  auto third = feed.Subscribe("b", [&] { ++other; });
  feed.Changed("a");
  feed.Changed("nobody follows this");
  EXPECT_EQ(mine, 1);
  EXPECT_EQ(mine_too, 1);
  EXPECT_EQ(other, 0);
  feed.ChangedAll();
  EXPECT_EQ(mine, 2);
  EXPECT_EQ(other, 1);
}

TEST(EventFeedTest, AnEndedSubscriptionIsNotWokenAndLeavesNothing) {
  EventFeed feed;
  int woken = 0;
  {
    auto subscription = feed.Subscribe("a", [&] { ++woken; });
    auto moved = std::move(subscription);
    subscription = feed.Subscribe("a", [&] { ++woken; });
    EXPECT_EQ(feed.followers(), 2u);
    moved.End();
    EXPECT_EQ(feed.followers(), 1u);
    feed.Changed("a");
  }
  feed.Changed("a");
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(feed.followers(), 0u);
}

TEST(EventFeedTest, ASubscriptionMayOutliveItsFeed) {
  auto feed = std::make_unique<EventFeed>();
  auto subscription = feed->Subscribe("a", [] {});
  feed.reset();
  subscription.End();
}

// The end waits for a wake that is running, so that what it uses may go.
TEST(EventFeedTest, EndingWaitsForAWakeThatIsRunning) {
  EventFeed feed;
  for (int round = 0; round < 200; ++round) {
    auto used = std::make_unique<int>(0);
    auto subscription = feed.Subscribe("a", [p = used.get()] { ++*p; });
    std::thread writer([&] { feed.Changed("a"); });
    subscription.End();
    used.reset();
    writer.join();
  }
}

}  // namespace
}  // namespace ns
