#include "quantize/observers/channel_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using ::testing::ElementsAre;

TEST(ChannelObserverTest, LastAxisIsThatOfAMatMul) {
  ChannelObserver observer(ChannelAxis::kLast);
  ASSERT_TRUE(observer.Observe(Tensor::From<float>({1, 2, 3}, {1, -2, 0.5f, 3, 4, 0.5f}).view()).ok());
  ASSERT_TRUE(observer.Observe(Tensor::From<float>({1, 1, 3}, {-7, 0, 2}).view()).ok());
  EXPECT_THAT(observer.min(), ElementsAre(-7, -2, 0.5f));
  EXPECT_THAT(observer.max(), ElementsAre(3, 4, 2));
  EXPECT_THAT(observer.mean(), ElementsAre(-1, 2.0 / 3, 1));  // 2^-32 is too fine to see in these sums
}

TEST(ChannelObserverTest, SecondAxisIsThatOfAConvolution) {
  ChannelObserver observer(ChannelAxis::kSecond);
  ASSERT_TRUE(observer.Observe(Tensor::From<float>({2, 2, 1, 2}, {1, 2, 10, 20, 3, 4, 30, 60}).view()).ok());
  EXPECT_THAT(observer.min(), ElementsAre(1, 10));
  EXPECT_THAT(observer.max(), ElementsAre(4, 60));
  EXPECT_THAT(observer.mean(), ElementsAre(2.5, 30));
}

// 0.1 and 1e6 would add up differently in another order.
TEST(ChannelObserverTest, PartsMergeToTheSameMeanInAnyOrder) {
  ChannelObserver forth(ChannelAxis::kLast), back(ChannelAxis::kLast), whole(ChannelAxis::kLast);
  std::vector<float> values = {0.1f, 1e6f, 0.3f, -1e6f, 0.7f, 1e5f};
  for (float value : values) {
    Tensor one = Tensor::From<float>({1, 1}, {value});
    ChannelObserver part(ChannelAxis::kLast);
    ASSERT_TRUE(part.Observe(one.view()).ok());
    ASSERT_TRUE(whole.Observe(one.view()).ok());
    forth.Merge(part);
    part.Merge(back);
    back = part;
  }
  EXPECT_EQ(forth.mean(), whole.mean());
  EXPECT_EQ(back.mean(), whole.mean());
}

TEST(ChannelObserverTest, RefusesAnotherNumberOfChannels) {
  ChannelObserver observer(ChannelAxis::kLast);
  ASSERT_TRUE(observer.Observe(Tensor::From<float>({1, 2}, {1, 2}).view()).ok());
  EXPECT_EQ(observer.Observe(Tensor::From<float>({1, 3}, {1, 2, 3}).view()).reason(), "CHANNEL_COUNT_CHANGED");
  EXPECT_EQ(ChannelObserver(ChannelAxis::kSecond).Observe(Tensor::From<float>({3}, {1, 2, 3}).view()).reason(), "CHANNEL_COUNT_CHANGED");
  EXPECT_THAT(observer.max(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace ns
