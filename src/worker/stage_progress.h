// Turns what the parts of an optimization report into events: which stage, how far, how long still; and keeps the time
// of each stage.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/progress.h"
#include "worker/event_sink.h"

namespace ns {

// Thread-safe.
class StageProgress final : public ProgressSink {
 public:
  StageProgress(const Clock& clock, EventSink& events);

  // Ends the stage before and begins `stage`, which takes the whole work from the fraction `from` to `to` (0 to 1), as
  // expected now. The fraction shown never goes back. The same stage again is its next part: another share of the work,
  // no new event.
  void Begin(std::string_view stage, double from, double to);
  // Ends the last stage.
  void End();

  // A part's own stage name is not looked at: the stage is what Begin() said. At most five events a second leave.
  void Progress(std::string_view part, double done, double total) override;
  void Note(std::string_view text) override;
  void Warn(std::string_view text);
  void Send(const EventPayload& event);

  // Seconds spent in each stage that has ended, stages of the same name together.
  std::map<std::string, double> elapsed_by_stage() const;
  double elapsed_seconds() const;
  // The first failure of the sink.
  Status status() const;

 private:
  void SendLocked(const EventPayload& event);
  void CloseStage();
  std::optional<double> SecondsLeft(double fraction) const;

  const Clock& clock_;
  EventSink& events_;
  const SteadyTime start_;
  mutable std::mutex mutex_;
  Status status_;
  std::string stage_;
  SteadyTime stage_start_;
  SteadyTime last_sent_;
  double from_ = 0, to_ = 0, shown_ = 0;
  std::map<std::string, double> elapsed_;
};

}  // namespace ns
