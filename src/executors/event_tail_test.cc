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

}  // namespace
}  // namespace ns
