#include "tasks/task_progress.h"

namespace ns {

namespace {

struct Apply {
  TaskProgress& to;
  void operator()(const StateEvent& event) const {
    if (event.state == TaskState::kRunning) to = TaskProgress();
    if (event.state == TaskState::kFailed) to.failure = event;
    if (IsFinal(event.state)) to.seconds_left.reset();
  }
  void operator()(const StageEvent& event) const {
    to.stage = event.stage;
    to.done = to.total = 0;
  }
  void operator()(const ProgressEvent& event) const {
    to.stage = event.stage;
    to.done = event.done;
    to.total = event.total;
    to.seconds_left = event.seconds_left;
  }
  void operator()(const EstimateEvent& event) const { to.estimate = event; }
  void operator()(const WorkersEvent& event) const { to.workers = event; }
  void operator()(const NoteEvent& event) const { to.note = event.text; }
  void operator()(const TrialEvent& event) const {
    if (event.index == 0) {
      to.baseline = event;
      return;
    }
    to.last = event;
    if (event.best) to.best = event;
  }
  void operator()(const ResultEvent& event) const { to.result = event; }
};

}  // namespace

void TaskProgress::Apply(const EventPayload& payload) { std::visit(ns::Apply{*this}, payload); }

}  // namespace ns
