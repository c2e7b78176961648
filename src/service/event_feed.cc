#include "service/event_feed.h"

#include <algorithm>

namespace ns {

struct EventFeed::Follower {
  std::mutex mutex;  // held while `wake` runs
  Wake wake;         // empty once the subscription has ended

  void Tell() {
    std::lock_guard lock(mutex);
    if (wake) wake();
  }
};

struct EventFeed::State {
  std::mutex mutex;
  std::unordered_map<std::string, std::vector<std::shared_ptr<Follower>>> followers;  // no list is empty
  std::atomic<size_t> count{0};
};

EventFeed::EventFeed() : state_(std::make_shared<State>()) {}

EventFeed::Subscription EventFeed::Subscribe(const std::string& task, Wake wake) {
  Subscription subscription;
  subscription.state_ = state_;
  subscription.task_ = task;
  subscription.follower_ = std::make_shared<Follower>();
  subscription.follower_->wake = std::move(wake);
  std::lock_guard lock(state_->mutex);
  state_->followers[task].push_back(subscription.follower_);
  ++state_->count;
  return subscription;
}

EventFeed::Subscription& EventFeed::Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  End();
  state_ = std::move(other.state_);
  task_ = std::move(other.task_);
  follower_ = std::move(other.follower_);
  return *this;
}

void EventFeed::Subscription::End() {
  if (follower_ == nullptr) return;
  {
    std::lock_guard lock(follower_->mutex);
    follower_->wake = nullptr;
  }
  std::lock_guard lock(state_->mutex);
  auto found = state_->followers.find(task_);
  std::erase(found->second, follower_);
  if (found->second.empty()) state_->followers.erase(found);
  --state_->count;
  follower_.reset();
}

void EventFeed::Changed(const std::string& task) {
  if (state_->count == 0) return;
  std::vector<std::shared_ptr<Follower>> told;
  {
    std::lock_guard lock(state_->mutex);
    auto found = state_->followers.find(task);
    if (found == state_->followers.end()) return;
    told = found->second;
  }
  for (const auto& follower : told) follower->Tell();
}

void EventFeed::ChangedAll() {
  std::vector<std::shared_ptr<Follower>> told;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& [task, list] : state_->followers) told.insert(told.end(), list.begin(), list.end());
  }
  for (const auto& follower : told) follower->Tell();
}

size_t EventFeed::followers() const { return state_->count; }

}  // namespace ns
