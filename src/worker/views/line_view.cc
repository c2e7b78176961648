#include "worker/views/line_view.h"

#include <cmath>

#include "base/printable.h"

namespace ns {

std::string DurationText(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string TrialText(const TrialEvent& trial) {
  std::string name = trial.index == 0 ? "baseline" : fmt::format("trial {}", trial.index);
  std::string text = fmt::format("{}: {}: {} {:.4f}", name, trial.configuration, trial.metric, trial.accuracy);
  if (trial.index > 0) text += trial.meets_criterion ? " holds" : " loses too much";
  text += ", evaluated in " + DurationText(trial.duration_seconds);
  if (trial.size_bytes) text += fmt::format(", {:.2f} MB", static_cast<double>(*trial.size_bytes) / 1e6);
  return text;
}

std::string EstimateText(const EstimateEvent& estimate) {
  return fmt::format("expected: about {}, {:.0f} MB at the peak", DurationText(estimate.seconds),
                     static_cast<double>(estimate.memory_bytes) / 1e6);
}

std::string WorkersText(const WorkersEvent& workers) {
  std::string text = fmt::format("{} worker{}", workers.joined, workers.joined == 1 ? "" : "s");
  if (workers.useful < workers.joined) text += fmt::format("; {} {} of use", workers.useful, workers.useful == 1 ? "is" : "are");
  return text;
}

void LineView::Line(const std::string& text) {
  double seconds = std::chrono::duration<double>(clock_.steady() - start_).count();
  fmt::print(out_, "[{:7.1f} s] {}\n", seconds, Printable(text));
  std::fflush(out_);
}

Status LineView::Send(const EventPayload& event) {
  if (auto* stage = std::get_if<StageEvent>(&event)) {
    last_progress_ = clock_.steady();
    if (stage->stage != stage_) Line(stage->stage);
    stage_ = stage->stage;
  } else if (auto* progress = std::get_if<ProgressEvent>(&event)) {
    if (clock_.steady() - last_progress_ < std::chrono::seconds(10) || progress->total <= 0) return OkStatus();
    last_progress_ = clock_.steady();
    std::string left =
        progress->seconds_left ? fmt::format(", {} left in all", DurationText(*progress->seconds_left)) : "";
    Line(fmt::format("{} {:.0f} %{}", progress->stage, 100 * progress->done / progress->total, left));
  } else if (auto* note = std::get_if<NoteEvent>(&event)) {
    Line((note->warning ? "warning: " : "") + note->text);
  } else if (auto* estimate = std::get_if<EstimateEvent>(&event)) {
    Line(EstimateText(*estimate));
  } else if (auto* workers = std::get_if<WorkersEvent>(&event)) {
    Line(WorkersText(*workers));
  } else if (auto* trial = std::get_if<TrialEvent>(&event)) {
    Line(TrialText(*trial));
  }
  return OkStatus();
}

}  // namespace ns
