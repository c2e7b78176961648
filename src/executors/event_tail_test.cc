#include "executors/event_tail.h"

#include <gtest/gtest.h>

#include <fstream>

namespace ns {
namespace {

class EventTailTest : public testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
  static std::string Line(uint64_t seq) { return TaskEventToJson({seq, WallTime(), StageEvent{"s"}}) + "\n"; }
  std::vector<uint64_t> Read(EventTail& tail) {
    std::vector<uint64_t> seqs;
    std::vector<TaskEvent> events = tail.ReadNew().value();
    for (const TaskEvent& event : events) seqs.push_back(event.seq);
    return seqs;
  }

  TempDir folder_ = TempDir::Create("ns_tail_").value();
  std::filesystem::path path_ = folder_.path() / "events.jsonl";
};

TEST_F(EventTailTest, ReadsEachLineOnceAndWaitsForTheEndOfALine) {
  EventTail tail(path_, 0);
  EXPECT_TRUE(Read(tail).empty());  // no file yet
  Write(Line(1) + Line(2).substr(0, 10));
  EXPECT_EQ(Read(tail), (std::vector<uint64_t>{1}));
  EXPECT_TRUE(Read(tail).empty());
  Write(Line(2).substr(10) + Line(3));
  EXPECT_EQ(Read(tail), (std::vector<uint64_t>{2, 3}));
}

TEST_F(EventTailTest, ResumesAfterASeqAndLeavesOutWhatIsNoEvent) {
  Write(Line(1) + Line(2) + "rubbish\n" + Line(3) + Line(3) + Line(4));
  EventTail tail(path_, 2);
  EXPECT_EQ(Read(tail), (std::vector<uint64_t>{3, 4}));
}

TEST_F(EventTailTest, AnEventOverTheLimitIsANoteThatSaysSo) {
  TaskEvent big{1, WallTime(), NoteEvent{std::string(EventTail::kMostBytes, 'x'), false}};
  Write(TaskEventToJson(big) + "\n" + Line(2));
  std::vector<TaskEvent> events = EventTail(path_, 0).ReadNew().value();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].seq, 1u);
  EXPECT_EQ(std::get<NoteEvent>(events[0].payload).text,
            fmt::format("a note event of {} bytes was left out: 65536 are the most", TaskEventToJson(big).size()));
  EXPECT_EQ(std::get<StageEvent>(events[1].payload).stage, "s");
}

TEST_F(EventTailTest, NoMoreThanABitAtOnce) {
  std::string text;
  uint64_t lines = 0;
  while (text.size() < 3 * EventTail::kMostAtOnce) text += Line(++lines);
  Write(text);
  EventTail tail(path_, 0);
  std::vector<uint64_t> all;
  int reads = 0;
  do {
    auto some = Read(tail);
    EXPECT_LT(some.size(), lines / 2);
    all.insert(all.end(), some.begin(), some.end());
    ++reads;
  } while (tail.more());
  EXPECT_EQ(all.size(), lines);
  EXPECT_EQ(all.back(), lines);
  EXPECT_GE(reads, 3);
  EXPECT_LE(reads, 4);
}

TEST_F(EventTailTest, WhatIsBeyondTheMostOfAFileIsNotRead) {
  Write(Line(1) + std::string(EventTail::kMostInAll - Line(1).size() - 1, 'x') + "\n" + Line(2));
  EventTail tail(path_, 0);
  std::vector<uint64_t> all;
  int reads = 0;
  do {
    auto some = Read(tail);
    all.insert(all.end(), some.begin(), some.end());
    ++reads;
  } while (tail.more());
  EXPECT_EQ(all, (std::vector<uint64_t>{1}));
  EXPECT_GE(reads, 64);
  EXPECT_TRUE(Read(tail).empty());
}

TEST_F(EventTailTest, ALineTooLongIsLeftOutToItsEnd) {
  // What comes after the first MiB looks like a line of its own.
  Write(std::string((1 << 20) + 70'000, 'x') + Line(7) + Line(1));
  EventTail tail(path_, 0);
  std::vector<uint64_t> all = Read(tail);
  while (tail.more()) {
    auto some = Read(tail);
    all.insert(all.end(), some.begin(), some.end());
  }
  EXPECT_EQ(all, (std::vector<uint64_t>{1}));
}

}  // namespace
}  // namespace ns
