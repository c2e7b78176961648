#include "worker/views/terminal_view.h"

#include <algorithm>

#include "base/printable.h"
#include "worker/views/line_view.h"

namespace ns {

namespace {
constexpr int kBarWidth = 24;
constexpr const char* kEraseLine = "\r\x1b[2K";
}  // namespace

TerminalView::~TerminalView() {
  if (!drawn_) return;
  fmt::print(out_, "{}", kEraseLine);
  std::fflush(out_);
}

std::string TerminalView::Bar() const {
  int filled = static_cast<int>(fraction_ * kBarWidth);
  std::string text = fmt::format("[{}{}] {:3.0f} % {}", std::string(static_cast<size_t>(filled), '#'),
                                 std::string(static_cast<size_t>(kBarWidth - filled), '.'), 100 * fraction_, stage_);
  if (!best_.empty()) text += ", best " + Printable(best_);
  if (seconds_left_) text += fmt::format(", {} left", DurationText(*seconds_left_));
  if (columns_ > 1 && text.size() >= static_cast<size_t>(columns_)) text.resize(static_cast<size_t>(columns_) - 1);
  return text;
}

void TerminalView::Draw() {
  fmt::print(out_, "{}{}", kEraseLine, Bar());
  std::fflush(out_);
  drawn_ = true;
}

void TerminalView::Above(const std::string& text) {
  fmt::print(out_, "{}{}\n", kEraseLine, Printable(text));
  Draw();
}

Status TerminalView::Send(const EventPayload& event) {
  if (auto* stage = std::get_if<StageEvent>(&event)) {
    stage_ = stage->stage;
    fraction_ = 0;
    Draw();
  } else if (auto* progress = std::get_if<ProgressEvent>(&event)) {
    fraction_ = progress->total > 0 ? std::clamp(progress->done / progress->total, 0.0, 1.0) : 0;
    seconds_left_ = progress->seconds_left;
    Draw();
  } else if (auto* note = std::get_if<NoteEvent>(&event)) {
    Above((note->warning ? "warning: " : "") + note->text);
  } else if (auto* estimate = std::get_if<EstimateEvent>(&event)) {
    Above(EstimateText(*estimate));
  } else if (auto* workers = std::get_if<WorkersEvent>(&event)) {
    Above(WorkersText(*workers));
  } else if (auto* trial = std::get_if<TrialEvent>(&event)) {
    if (trial->best) best_ = fmt::format("{} {:.4f} ({})", trial->metric, trial->accuracy, trial->configuration);
    Above(TrialText(*trial));
  }
  return OkStatus();
}

}  // namespace ns
