// What follows a task's log until the task has ended.
#pragma once

#include <atomic>
#include <string>

#include "api/rest/message.h"
#include "service/task_service.h"

namespace ns {

class LogFollower : public BodySource {
 public:
  LogFollower(TaskService& service, Caller caller, std::string id) : service_(service), caller_(std::move(caller)), id_(std::move(id)) {}

  void Start(std::function<void()> wake) final {
    events_ = service_.events().Subscribe(id_, [this, wake] {
      changed_ = true;
      wake();
    });
    lines_ = service_.logs().Subscribe(id_, wake);
  }

  std::optional<Piece> Read() final {
    // Whether it has ended is asked first: what was written before is read after, so that nothing is missed.
    if (!ended_ && changed_.exchange(false)) {
      auto end = service_.Events(caller_, id_, INT64_MAX, 1);
      if (!end.ok()) return Broken();
      ended_ = end->ended;
    }
    return ReadLog(ended_);
  }

 protected:
  // As BodySource::Read(). `ended`: nothing more will be written.
  virtual std::optional<Piece> ReadLog(bool ended) = 0;

  static Piece Broken() {
    Piece piece;
    piece.broken = true;
    return piece;
  }

 private:
  TaskService& service_;
  const Caller caller_;
  const std::string id_;
  bool ended_ = false;
  std::atomic<bool> changed_{true};
  EventFeed::Subscription events_, lines_;
};

}  // namespace ns
