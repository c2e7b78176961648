#include "service/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "base/file.h"
#include "base/testing/fake_clock.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class RetentionTest : public testing::Test {
 protected:
  template <typename Call>
  void Await(Call call) {
    std::promise<Status> done;
    call([&](Status status) { done.set_value(std::move(status)); });
    ASSERT_TRUE(done.get_future().get().ok());
  }
  void Submit(const std::string& id) {
    std::promise<void> made;
    NewTask task;
    task.id = id;
    task.spec_json = "{}";
    task.submitted = clock_.wall();
    store_->Submit(task, [&](Result<SubmittedTask>) { made.set_value(); });
    made.get_future().wait();
    fs::create_directories(workspace_.task_folder(id));
    ASSERT_TRUE(WriteFileAtomic(workspace_.task_folder(id) / "file", std::string(10'000, 'x')).ok());
    ASSERT_TRUE(WriteFileAtomic(workspace_.task_log(id), "log").ok());
  }
  // It ends an hour after what ended before it.
  void End(const std::string& id) {
    clock_.Advance(std::chrono::hours(1));
    Await([&](auto done) { store_->Finish(id, 0, {TaskState::kFailed, "R", "m", {}}, done); });
  }
  // Ids that are left once there are `left` of them, and no more go.
  std::vector<std::string> KeptBy(const std::string& policy, size_t left) {
    Retention retention({ParseRetentionPolicy(policy).value(), std::chrono::milliseconds(5), /*step=*/2}, workspace_, *store_, clock_);
    std::vector<std::string> ids;
    for (int quiet = 0, rounds = 0; quiet < 20 && rounds < 3000; ++quiet, ++rounds) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::vector<std::string> now;
      std::vector<TaskRecord> tasks = store_->List({}).value();
      for (const TaskRecord& task : tasks) now.push_back(task.id);
      if (now.size() != left || !store_->Leftovers(1)->empty()) quiet = 0;
      ids = now;
    }
    return ids;
  }
  std::vector<std::string> Folders() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(workspace_.root() / "task_workspace")) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir folder_ = TempDir::Create("ns_retention_").value();
  Workspace workspace_ = Workspace::Create(folder_.path()).value();
  FakeClock clock_;
  std::unique_ptr<TaskStore> store_ = TaskStore::Open(workspace_.store_file(), clock_).value();
};

TEST_F(RetentionTest, AgeCountsFromTheEnd) {
  for (const char* id : {"a", "b", "c", "d"}) Submit(id);
  for (const char* id : {"b", "a", "d"}) End(id);  // 2, 1 and 0 hours ago
  EXPECT_THAT(KeptBy("90m", 3), ElementsAre("a", "c", "d"));
  EXPECT_THAT(Folders(), ElementsAre("a", "c", "d"));
  EXPECT_FALSE(fs::exists(workspace_.task_log("b")));
}

TEST_F(RetentionTest, CountKeepsThoseThatEndedLast) {
  for (const char* id : {"a", "b", "c", "d", "e", "f", "waits"}) Submit(id);
  for (const char* id : {"f", "e", "d", "c", "b", "a"}) End(id);
  EXPECT_THAT(KeptBy("1 tasks", 2), ElementsAre("a", "waits"));
  EXPECT_THAT(Folders(), ElementsAre("a", "waits"));
}

TEST_F(RetentionTest, SizeLetsGoOfTheLongestEndedUntilTheRestFits) {
  for (const char* id : {"a", "b", "c"}) Submit(id);
  for (const char* id : {"a", "b", "c"}) End(id);
  // A task takes three pages of 4 KiB for its file, and one each for its log and, on some file systems, its folder.
  EXPECT_THAT(KeptBy("45kB", 2), ElementsAre("b", "c"));
  EXPECT_GT(store_->Totals()->bytes, 20'000u);
}

TEST_F(RetentionTest, FilesLeftByACrashGoWhateverThePolicy) {
  Submit("a");
  End("a");
  std::promise<void> removed;
  store_->Remove({"a"}, [&](Result<int64_t>) { removed.set_value(); });
  removed.get_future().wait();
  EXPECT_THAT(Folders(), ElementsAre("a"));
  EXPECT_THAT(KeptBy("all", 0), IsEmpty());
  EXPECT_THAT(Folders(), IsEmpty());
}

}  // namespace
}  // namespace ns
