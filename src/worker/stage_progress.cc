#include "worker/stage_progress.h"

#include <algorithm>

namespace ns {

namespace {

double Seconds(SteadyTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

constexpr double kLeastInterval = 0.2;  // seconds between two progress events

}  // namespace

StageProgress::StageProgress(const Clock& clock, EventSink& events)
    : clock_(clock), events_(events), start_(clock.steady()) {}

void StageProgress::SendLocked(const EventPayload& event) {
  Status status = events_.Send(event);
  if (status_.ok()) status_ = status;
}

void StageProgress::CloseStage() {
  if (!stage_.empty()) elapsed_[stage_] += Seconds(clock_.steady() - stage_start_);
  stage_.clear();
}

void StageProgress::Begin(std::string_view stage, double from, double to) {
  std::lock_guard lock(mutex_);
  bool same = stage_ == stage;
  CloseStage();
  stage_ = stage;
  stage_start_ = clock_.steady();
  from_ = from;
  to_ = to;
  last_sent_ = stage_start_;
  if (!same) SendLocked(StageEvent{stage_});
}

void StageProgress::End() {
  std::lock_guard lock(mutex_);
  CloseStage();
}

std::optional<double> StageProgress::SecondsLeft(double fraction) const {
  double elapsed = Seconds(clock_.steady() - start_);
  if (fraction < 0.05 || elapsed < 1) return std::nullopt;
  return elapsed * (1 - fraction) / fraction;
}

void StageProgress::Progress(std::string_view, double done, double total) {
  std::lock_guard lock(mutex_);
  SteadyTime now = clock_.steady();
  if (stage_.empty() || Seconds(now - last_sent_) < kLeastInterval) return;
  last_sent_ = now;
  double part = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0;
  shown_ = std::max(shown_, from_ + (to_ - from_) * part);
  SendLocked(ProgressEvent{stage_, done, total, SecondsLeft(shown_)});
}

void StageProgress::Note(std::string_view text) {
  Send(NoteEvent{std::string(text), false});
}

void StageProgress::Warn(std::string_view text) {
  Send(NoteEvent{std::string(text), true});
}

void StageProgress::Send(const EventPayload& event) {
  std::lock_guard lock(mutex_);
  SendLocked(event);
}

std::map<std::string, double> StageProgress::elapsed_by_stage() const {
  std::lock_guard lock(mutex_);
  return elapsed_;
}

double StageProgress::elapsed_seconds() const {
  return Seconds(clock_.steady() - start_);
}

Status StageProgress::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace ns
