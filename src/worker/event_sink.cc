#include "worker/event_sink.h"

namespace ns {

Status EventFanout::Send(const EventPayload& event) {
  Status first;
  for (auto& sink : sinks_) {
    Status status = sink->Send(event);
    if (first.ok()) first = status;
  }
  return first;
}

}  // namespace ns
