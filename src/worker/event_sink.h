// Where the events of an optimization go: a terminal, a pipe, standard output as JSON, the task's journal.
#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "tasks/task_event.h"

namespace ns {

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Takes one event. Called from one thread at a time. A failure (a full disk under the journal) ends the optimization.
  virtual Status Send(const EventPayload& event) = 0;
};

// Sends each event to all of its sinks, in order; the first failure is returned after all were tried.
class EventFanout final : public EventSink {
 public:
  void Add(std::unique_ptr<EventSink> sink) { sinks_.push_back(std::move(sink)); }
  Status Send(const EventPayload& event) override;

 private:
  std::vector<std::unique_ptr<EventSink>> sinks_;
};

}  // namespace ns
