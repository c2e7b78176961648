// How an attempt ended, in a word for people: "done", "failed", "lost", "interrupted", or the one below.
#pragma once

namespace ns {

// The service drained and its grace was over: the task runs again after the next start, without a mark against it. Also the message of the event.
inline constexpr const char* kStoppedByDrain = "stopped by drain";

}  // namespace ns
