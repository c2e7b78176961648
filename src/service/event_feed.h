// Wakes whoever follows tasks. Level-triggered: a wake-up says only "this task has events that were not there before"; the follower then
// reads the log itself (TaskService::Events) from the number it has reached. So nothing is queued here however slow a follower is, and none
// can miss or double an event: subscribe, read until nothing is new, wait for the wake-up, read again.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace ns {

class EventFeed {
  struct Follower;
  struct State;

 public:
  // Called on the thread that brought the news: must be quick, must not block and must not end its own subscription.
  using Wake = std::function<void()>;

  // Ends when it goes: from then on its wake is not called, and is not running either.
  class Subscription {
   public:
    Subscription() = default;
    ~Subscription() { End(); }
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    void End();

   private:
    friend class EventFeed;
    std::shared_ptr<State> state_;
    std::string task_;
    std::shared_ptr<Follower> follower_;
  };

  EventFeed();

  // `wake` is called after each change of `task` from now on. The task need not exist.
  [[nodiscard]] Subscription Subscribe(const std::string& task, Wake wake);
  // The task has something new. Costs next to nothing when nobody follows any task.
  void Changed(const std::string& task);
  // The same for every task that is followed.
  void ChangedAll();
  // Subscriptions there are.
  size_t followers() const;

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace ns
