#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <future>
#include <thread>

namespace ns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, TextHasHelpTypeAndEveryNumberOnce) {
  MetricsRegistry registry;
  registry.counter("a_total", "Things.", {{"kind", "x"}}).Add(2);
  registry.counter("a_total", "Things.", {{"kind", "y"}}).Add();
  registry.counter("a_total", "Things.", {{"kind", "x"}}).Add();
  registry.gauge("b", "Now.").Set(-4);
  EXPECT_EQ(registry.Text(),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total{kind=\"x\"} 3\na_total{kind=\"y\"} 1\n"
            "# HELP b Now.\n# TYPE b gauge\nb -4\n");
}

TEST(MetricsTest, BucketsAreCumulativeAndTheirBoundsInclusive) {
  MetricsRegistry registry;
  Histogram& seconds = registry.histogram("t_seconds", "Time.", {0.5, 1}, {{"route", "/"}});
  for (double value : {0.25, 0.5, 0.75, 4.0}) seconds.Observe(value);
  EXPECT_THAT(seconds.Cumulative(), ElementsAre(2, 3, 4));
  EXPECT_EQ(registry.Text(),
            "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n"
            "t_seconds_bucket{route=\"/\",le=\"0.5\"} 2\nt_seconds_bucket{route=\"/\",le=\"1\"} 3\n"
            "t_seconds_bucket{route=\"/\",le=\"+Inf\"} 4\nt_seconds_sum{route=\"/\"} 5.5\nt_seconds_count{route=\"/\"} 4\n");
}

TEST(MetricsTest, WhatIsNoNumberCountsAsZero) {
  Histogram seconds({1});
  seconds.Observe(std::numeric_limits<double>::quiet_NaN());
  seconds.Observe(-1);
  EXPECT_THAT(seconds.Cumulative(), ElementsAre(2, 2));
  EXPECT_EQ(seconds.sum(), 0);
}

TEST(MetricsTest, LabelValuesAndHelpAreEscaped) {
  MetricsRegistry registry;
  registry.counter("c_total", "Back\\slash\nand \"quotes\".", {{"path", "a\"b\\c\nd"}});
  EXPECT_THAT(registry.Text(), HasSubstr("# HELP c_total Back\\\\slash\\nand \"quotes\".\n"));
  EXPECT_THAT(registry.Text(), HasSubstr(R"(c_total{path="a\"b\\c\nd"} 0)"));
}

TEST(MetricsTest, ReadersAreAskedWhenTheTextIsMadeAndNotAfterTheyWereRemoved) {
  MetricsRegistry registry;
  int asked = 0;
  int reader = registry.Add("r", "Read.", "gauge", {}, [&] { return ++asked; });
  EXPECT_THAT(registry.Text(), HasSubstr("r 1\n"));
  registry.Remove(reader);
  EXPECT_THAT(registry.Text(), Not(HasSubstr("r ")));
  EXPECT_EQ(asked, 1);
}

TEST(MetricsTest, AReaderOfManyGivesTheLabelsThereAreNow) {
  MetricsRegistry registry;
  std::vector<std::pair<Labels, double>> now = {{{{"node", "a"}}, 1}, {{{"node", "b"}}, 2}};
  int reader = registry.Add("slots", "Slots.", "gauge", [&] { return now; });
  EXPECT_THAT(registry.Text(), HasSubstr("slots{node=\"a\"} 1\nslots{node=\"b\"} 2\n"));
  now.erase(now.begin());
  EXPECT_THAT(registry.Text(), Not(HasSubstr("\"a\"")));
  registry.Remove(reader);
  EXPECT_THAT(registry.Text(), Not(HasSubstr("slots")));
}

TEST(MetricsTest, ManyThreadsLoseNoCount) {
  MetricsRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        registry.counter("n_total", "N.").Add();
        registry.histogram("h", "H.", {1}).Observe(2.0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(registry.counter("n_total", "N.").value(), 40'000u);
  EXPECT_THAT(registry.histogram("h", "H.", {1}).Cumulative(), ElementsAre(0, 40'000));
  EXPECT_EQ(registry.histogram("h", "H.", {1}).sum(), 80'000);
}

// As a store's writer that counts what a reader waits for.
TEST(MetricsTest, AReaderMayWaitForSomebodyWhoNamesANumber) {
  MetricsRegistry registry;
  bool named = false;
  registry.Add("waits", "W.", "gauge", {}, [&] {
    auto other = std::async(std::launch::async, [&] { registry.counter("other_total", "O.").Add(); });
    named = other.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    return 1.0;
  });
  std::thread text([&] { (void)registry.Text(); });
  text.join();
  EXPECT_TRUE(named);
}

TEST(MetricsTest, ProcessFiguresArePlausible) {
  MetricsRegistry registry;
  AddProcessMetrics(registry, "1.2");
  std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("neural_solution_build_info{version=\"1.2\"} 1\n"));
  EXPECT_THAT(text, testing::ContainsRegex("process_resident_memory_bytes [1-9][0-9.e+]+\n"));
  EXPECT_THAT(text, testing::ContainsRegex("process_open_fds [1-9][0-9]*\n"));
  EXPECT_THAT(text, testing::ContainsRegex("process_start_time_seconds [1-9][0-9.e+]+\n"));
}

}  // namespace
}  // namespace ns
