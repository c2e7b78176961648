// Events as plain lines, for a log or a pipe: each stage once it begins, trials, notes, and progress at most every ten
// seconds.
#pragma once

#include <cstdio>

#include "base/clock.h"
#include "worker/event_sink.h"

namespace ns {

class LineView final : public EventSink {
 public:
  LineView(std::FILE* out, const Clock& clock)
      : out_(out), clock_(clock), start_(clock.steady()), last_progress_(start_) {}
  Status Send(const EventPayload& event) override;

 private:
  void Line(const std::string& text);

  std::FILE* out_;
  const Clock& clock_;
  const SteadyTime start_;
  SteadyTime last_progress_;
  std::string stage_;
};

// "trial 2: dynamic: accuracy 0.8950 holds, 1.2 s, 3.1 MB", for any view.
std::string TrialText(const TrialEvent& trial);
// "4 workers", "2 workers; 1 is of use".
std::string WorkersText(const WorkersEvent& workers);
// "expected: about 12 s, 310 MB at the peak".
std::string EstimateText(const EstimateEvent& estimate);
// "12 s", "3 min 20 s", "1 h 5 min".
std::string DurationText(double seconds);

}  // namespace ns
