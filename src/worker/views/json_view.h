// Events as JSON lines in the form of events.jsonl (tasks/task_event.h), for a program that reads our standard output.
#pragma once

#include <cstdio>

#include "base/clock.h"
#include "worker/event_sink.h"

namespace ns {

class JsonView final : public EventSink {
 public:
  JsonView(std::FILE* out, const Clock& clock) : out_(out), clock_(clock) {}
  // Unavailable (OUTPUT_CLOSED) when the reader has gone.
  Status Send(const EventPayload& event) override;

 private:
  std::FILE* out_;
  const Clock& clock_;
  uint64_t seq_ = 0;
};

}  // namespace ns
