// How a task is cancelled: what is committed and told, in which order, also when the store cannot be written.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/task_runner.h"

namespace ns {

void TaskRunner::Cancel(const std::string& id, std::function<void(Status)> done) {
  if (auto known = cancellations_.find(id); known != cancellations_.end()) {
    if (!known->second.delay.ok()) return done(known->second.delay);
    return known->second.waiting.push_back(std::move(done));
  }
  std::vector<Action> actions;
  {
    std::lock_guard lock(mutex_);
    actions = scheduler_.Cancel(id, clock_.steady());
  }
  if (actions.empty()) {
    if (auto finish = CancelUnknown(id)) actions.push_back(std::move(*finish));
  }
  Refill();
  auto own = std::find_if(actions.begin(), actions.end(), [&](const Action& action) {
    auto* finish = std::get_if<FinishAction>(&action);
    return finish != nullptr && finish->id == id && finish->state == TaskState::kCancelled;
  });
  if (own == actions.end()) {
    Carry(actions);
    return done(NotFound(fmt::format("task {} is neither pending nor running", id), "NOT_CANCELLABLE"));
  }
  auto finish = std::get<FinishAction>(*own);
  actions.erase(own);
  Cancellation& cancellation = cancellations_[id];
  cancellation.actions = std::move(actions);
  if (Has(SeededBug::kAckCancelEarly)) {
    done(OkStatus());
  } else {
    cancellation.waiting.push_back(std::move(done));
  }
  WriteCancellation(finish);
}

// The end is committed before the workers are told, so that "cancelled" cannot be undone by a crash in between. A store that cannot be written
// does not keep them running: they may be what fills its disk. Nobody was told "cancelled" then.
void TaskRunner::WriteCancellation(const FinishAction& finish) {
  TaskEnd end{finish.state, finish.reason, finish.message, std::nullopt};
  const std::string& id = finish.id;
  writes_.Add(
      id, fmt::format("cancellation of task {}", id),
      [this, finish, end](TaskWrites::Done written) { journal_.Finish(finish.id, finish.attempt, end, std::move(written)); },
      [this, finish](Status status) {
        Cancellation cancellation = std::move(cancellations_.extract(finish.id).mapped());
        Carry(cancellation.actions);
        Forget(finish.id, finish.attempt);
        task_ended_();
        for (auto& tell : cancellation.waiting) tell(status);
      },
      [this, id](Status failure) { DelayCancellation(id, failure); });
}

void TaskRunner::DelayCancellation(const std::string& id, const Status& failure) {
  Cancellation& cancellation = cancellations_.at(id);
  cancellation.delay = failure.WithContext(fmt::format("task {} ends, which cannot be recorded yet", id));
  auto waiting = std::exchange(cancellation.waiting, {});
  Status delay = cancellation.delay;
  Carry(std::exchange(cancellation.actions, {}));
  for (auto& tell : waiting) tell(delay);
}

}  // namespace ns
