#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/file.h"
#include "base/testing/fake_clock.h"
#include "store/task_store.h"

namespace ns {
namespace {

class WebhooksTest : public testing::Test {
 protected:
  WebhooksTest() { Reopen(); }
  void Reopen() {
    store_.reset();
    store_ = TaskStore::Open(folder_.path() / "task.db", clock_).value();
  }
  void Submit(const std::string& id, const std::string& spec) {
    std::promise<void> made;
    NewTask task;
    task.id = id;
    task.spec_json = spec;
    task.submitted = clock_.wall();
    store_->Submit(task, [&](Result<SubmittedTask>) { made.set_value(); });
    made.get_future().wait();
  }
  template <typename Call>
  Status Await(Call call) {
    std::promise<Status> done;
    call([&](Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }
  void Finish(const std::string& id) {
    ASSERT_TRUE(Await([&](auto done) { store_->BeginAttempt(id, 1, 0, done); }).ok());
    ASSERT_TRUE(Await([&](auto done) { store_->Finish(id, 1, {TaskState::kFailed, "R", "m", {}}, done); }).ok());
  }
  std::vector<DueWebhook> Due() { return store_->DueWebhooks(clock_.wall(), 10).value(); }

  TempDir folder_ = TempDir::Create("webhooks").value();
  FakeClock clock_;
  std::unique_ptr<TaskStore> store_;
};

TEST_F(WebhooksTest, AreDueWithTheEndOfTheirTask) {
  Submit("a", R"({"model": "m", "webhook": "https://example.org/x"})");
  Submit("b", R"({"model": "m"})");
  EXPECT_TRUE(Due().empty());
  EXPECT_FALSE(store_->NextWebhook()->has_value());
  EXPECT_FALSE(store_->Get("a")->webhook.has_value());
  Finish("a");
  Finish("b");
  Reopen();
  ASSERT_EQ(Due().size(), 1u);
  EXPECT_EQ(Due()[0].task_id, "a");
  EXPECT_EQ(Due()[0].url, "https://example.org/x");
  EXPECT_EQ(Due()[0].tries, 0);
  EXPECT_EQ(store_->Get("a")->webhook->state, "waiting");
  EXPECT_FALSE(store_->Get("b")->webhook.has_value());
}

TEST_F(WebhooksTest, ACancelledTaskTellsToo) {
  Submit("a", R"({"model": "m", "webhook": "https://example.org/x"})");
  ASSERT_TRUE(Await([&](auto done) { store_->Finish("a", 0, {TaskState::kCancelled, "", "", {}}, done); }).ok());
  EXPECT_EQ(Due().size(), 1u);
}

TEST_F(WebhooksTest, WaitUntilTheirTimeAndEndOnce) {
  Submit("a", R"({"model": "m", "webhook": "https://example.org/x"})");
  Finish("a");
  WebhookStatus status{"waiting", 1, clock_.wall() + std::chrono::seconds(5), {}, "no answer"};
  ASSERT_TRUE(Await([&](auto done) { store_->UpdateWebhook("a", status, done); }).ok());
  EXPECT_TRUE(Due().empty());
  EXPECT_EQ(store_->NextWebhook().value(), status.next);
  clock_.Advance(std::chrono::seconds(5));
  ASSERT_EQ(Due().size(), 1u);
  EXPECT_EQ(Due()[0].tries, 1);
  EXPECT_EQ(store_->Get("a")->webhook->last_error, "no answer");
  status = {"delivered", 2, {}, clock_.wall(), ""};
  ASSERT_TRUE(Await([&](auto done) { store_->UpdateWebhook("a", status, done); }).ok());
  EXPECT_TRUE(Due().empty());
  EXPECT_FALSE(store_->NextWebhook()->has_value());
  EXPECT_EQ(store_->Get("a")->webhook->delivered, clock_.wall());
}

TEST_F(WebhooksTest, RetentionKeepsEndedTasksWhoseWebhookStillWaits) {
  Submit("a", R"({"model": "m", "webhook": "https://example.org/x"})");
  Submit("b", R"({"model": "m"})");
  Finish("a");
  Finish("b");
  auto ended = [&] {
    std::vector<std::string> ids;
    const std::vector<EndedTask> longest = store_->LongestEnded(10).value();
    for (const EndedTask& task : longest) ids.push_back(task.id);
    return ids;
  };
  EXPECT_EQ(ended(), std::vector<std::string>{"b"});
  WebhookStatus again{"waiting", 1, clock_.wall() + std::chrono::seconds(5), {}, "no answer"};
  ASSERT_TRUE(Await([&](auto done) { store_->UpdateWebhook("a", again, done); }).ok());
  EXPECT_EQ(ended(), std::vector<std::string>{"b"});
  WebhookStatus given_up{"failed", 30, {}, {}, "no answer"};
  ASSERT_TRUE(Await([&](auto done) { store_->UpdateWebhook("a", given_up, done); }).ok());
  EXPECT_EQ(ended(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(WebhooksTest, InputsInUseAreThoseOfUnfinishedTasks) {
  std::promise<void> made;
  NewTask task;
  task.id = "a";
  task.spec_json = "{}";
  task.model_path = "/m";
  task.dataset_path = "/d";
  store_->Submit(task, [&](Result<SubmittedTask>) { made.set_value(); });
  made.get_future().wait();
  EXPECT_THAT(store_->InputsInUse().value(), testing::IsSupersetOf({std::filesystem::path("/m"), std::filesystem::path("/d")}));
  Finish("a");
  EXPECT_THAT(store_->InputsInUse().value(), testing::Not(testing::Contains(std::filesystem::path("/m"))));
}

}  // namespace
}  // namespace ns
