#include "store/record_cache.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TaskRecord Record(const std::string& id, int attempt) {
  TaskRecord record;
  record.id = id;
  record.attempt = attempt;
  return record;
}

TEST(RecordCacheTest, ARecordReadBeforeAWriteIsNotKeptAfterIt) {
  RecordCache cache(100);
  uint64_t ticket = cache.Ticket("a");
  cache.Drop("a");  // a write, between the reader's query and its Put()
  cache.Put(Record("a", 1), ticket);
  EXPECT_FALSE(cache.Find("a"));
  cache.Put(Record("a", 2), cache.Ticket("a"));
  EXPECT_EQ(cache.Find("a")->attempt, 2);
}

TEST(RecordCacheTest, AWrittenTaskIsDropped) {
  RecordCache cache(100);
  cache.Put(Record("a", 1), cache.Ticket("a"));
  cache.Drop("a");
  EXPECT_FALSE(cache.Find("a"));
}

TEST(RecordCacheTest, KeepsWhatWasUsedLastAndNoMoreThanItsSize) {
  RecordCache cache(16);  // two in each of 16 parts
  for (int i = 0; i < 1'000; ++i) {
    cache.Put(Record(std::to_string(i), i), cache.Ticket(std::to_string(i)));
    EXPECT_TRUE(cache.Find(std::to_string(i)));
    EXPECT_TRUE(i == 0 || cache.Find("0")) << "used all the time, so it stays";
  }
  int kept = 0;
  for (int i = 0; i < 1'000; ++i) kept += cache.Find(std::to_string(i)) ? 1 : 0;
  EXPECT_LE(kept, 32);
}

}  // namespace
}  // namespace ns
