#include "service/log_tail.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "service/log_feed.h"

namespace ns {
namespace {

class LogTailTest : public testing::Test {
 protected:
  void Write(std::string_view text) { std::ofstream(path_, std::ios::app | std::ios::binary) << text; }
  // All there is, a message a line of the result: "a\nb|" is one whole message of two lines.
  std::string All(LogTail& tail, bool ended) {
    std::string all;
    while (auto lines = tail.Read(ended)) all += lines->text + (lines->whole ? "|" : "");
    return all;
  }

  TempDir folder_ = TempDir::Create("log_tail_test_").value();
  std::filesystem::path path_ = folder_.path() / "task_7.txt";
};

TEST_F(LogTailTest, GivesLinesWhenTheyAreWhole) {
  LogTail tail(path_, 0);
  EXPECT_EQ(All(tail, false), "");  // not there yet
  Write("one\ntw");
  EXPECT_EQ(All(tail, false), "one|");
  Write("o");
  EXPECT_EQ(All(tail, false), "");
  Write("\n\nfour\nfi");
  EXPECT_EQ(All(tail, false), "two\n\nfour|");
  EXPECT_EQ(All(tail, true), "fi|");
  EXPECT_EQ(All(tail, true), "");
}

TEST_F(LogTailTest, AnEmptyLineIsALine) {
  LogTail tail(path_, 0);
  Write("\n");
  auto lines = tail.Read(false);
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->text, "");
  EXPECT_FALSE(tail.Read(true));
}

TEST_F(LogTailTest, LeavesOutTheFirstLines) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";  // 1 MB
  Write(text);
  LogTail tail(path_, 99'998);
  EXPECT_EQ(All(tail, false), "line 99998\nline 99999|");
  LogTail beyond(path_, 100'001);
  EXPECT_EQ(All(beyond, false), "");
  Write("line 100000\nline 100001\n");
  EXPECT_EQ(All(beyond, false), "line 100001|");
}

TEST_F(LogTailTest, ALineLongerThanAPieceComesInParts) {
  std::string line(3 * LogTail::kPiece + 100, 'x');
  LogTail tail(path_, 0);
  Write(line);
  EXPECT_EQ(All(tail, false), std::string(3 * LogTail::kPiece, 'x'));
  Write("\nnext\n");
  EXPECT_EQ(All(tail, false), std::string(100, 'x') + "\nnext|");
}

TEST_F(LogTailTest, ALongLineThatEndsExactlyWithAPieceIsEnded) {
  LogTail tail(path_, 0);
  Write(std::string(LogTail::kPiece, 'x'));
  EXPECT_EQ(All(tail, true), std::string(LogTail::kPiece, 'x') + "|");
}

TEST_F(LogTailTest, WhatIsNotUtf8IsReplacedAndCharactersAreNeverCut) {
  LogTail tail(path_, 0);
  Write("\xC3\xA9 \xFF \xC3( \xE2\x82\xAC \xED\xA0\x80 \xF0\x9F\x99\x82\n");
  EXPECT_EQ(All(tail, false), "\xC3\xA9 \xEF\xBF\xBD \xEF\xBF\xBD( \xE2\x82\xAC \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xF0\x9F\x99\x82|");
  std::string line(LogTail::kPiece - 1, 'x');
  Write(line + "\xC3\xA9\n");  // the character lies across the end of the piece
  EXPECT_EQ(All(tail, false), line + "\xC3\xA9|");
}

TEST_F(LogTailTest, TheFeedWakesWhenALogIsWritten) {
  LogFeed feed(folder_.path());
  std::mutex mutex;
  std::condition_variable woken;
  int count = 0;
  auto subscription = feed.Subscribe("7", [&] {
    std::lock_guard lock(mutex);
    ++count;
    woken.notify_one();
  });
  for (int round = 1; round <= 3; ++round) {
    Write("line\n");
    std::unique_lock lock(mutex);
    EXPECT_TRUE(woken.wait_for(lock, std::chrono::seconds(20), [&] { return count >= round; }));
  }
  // Nobody follows for a while, then somebody does again.
  subscription.End();
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::atomic<int> again = 0;
  auto second = feed.Subscribe("7", [&] { ++again; });
  Write("line\n");
  for (int round = 0; round < 10'000 && again == 0; ++round) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(again, 0);
}

}  // namespace
}  // namespace ns
