#include "worker/views/json_view.h"

namespace ns {

Status JsonView::Send(const EventPayload& event) {
  std::string line = TaskEventToJson({++seq_, clock_.wall(), event}) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), out_) != line.size() || std::fflush(out_) != 0) {
    return Unavailable("nobody reads the events on standard output any more", "OUTPUT_CLOSED");
  }
  return OkStatus();
}

}  // namespace ns
