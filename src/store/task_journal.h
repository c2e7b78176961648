// The part of the store that running tasks needs: an interface, so that the same code runs on the store and on a simulated one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "store/task_record.h"
#include "tasks/task_event.h"

namespace ns {

// Writes are asynchronous: `done` comes on any thread, once, when the write is durable, or with why it is not. They take effect in the order
// they were made. ResourceExhausted (DISK_FULL): nothing was changed.
class TaskJournal {
 public:
  using Done = std::function<void(Status)>;
  virtual ~TaskJournal() = default;

  // pending -> running with this attempt (the task's attempt + 1). FailedPrecondition (STALE_ATTEMPT) when the task is not pending or the
  // number is not the next one.
  virtual void BeginAttempt(const std::string& id, int attempt, int slot, Done done) = 0;
  // An assistant of a running task takes a slot. FailedPrecondition (STALE_ATTEMPT) when the task does not run, or it had one with this fence
  // or a higher one.
  virtual void BeginAssistant(const WorkerId& assistant, int slot, Done done) = 0;
  // It has ended. Again: changes nothing.
  virtual void EndAssistant(const WorkerId& assistant, Done done) = 0;
  // Appends a worker's events whose seq is larger than the last one stored for the attempt; others are already there. Of progress events in
  // a row only the last is kept: it takes the next number, and the number of the one before is free. A task's log takes 10,000 events, then
  // only trials, states and results. FailedPrecondition (STALE_ATTEMPT) when the attempt is over.
  virtual void AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) = 0;
  // running -> pending. `lost`: it counts against the task's attempts.
  virtual void Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) = 0;
  // running or pending -> a final state, once: FailedPrecondition (STALE_ATTEMPT) when the attempt is not the task's newest or the task
  // has ended already. The open attempt, if any, stays open until CloseAttempt.
  virtual void Finish(const std::string& id, int attempt, TaskEnd end, Done done) = 0;
  // The attempt's worker has ended. Closing it again changes nothing.
  virtual void CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) = 0;

  // Reads see every write whose `done` was called. NotFound (UNKNOWN_TASK).
  virtual Result<TaskRecord> Get(const std::string& id) const = 0;
  // By submission.
  virtual Result<std::vector<TaskRecord>> Running() const = 0;
  // Calls `each` for the pending tasks, by submission, with order, submitter, priority and time of submission alone, and the request of those that
  // have a deadline. What `each` is given is valid during the call.
  virtual Status EachPending(const std::function<void(const TaskRecord&)>& each) const = 0;
  // Those of these, by their orders, that are pending.
  virtual Result<std::vector<TaskRecord>> Pending(const std::vector<int64_t>& orders) const = 0;
  // Workers that were not yet seen to end, leads first, of tasks in any state.
  virtual Result<std::vector<OpenWorker>> OpenWorkers() const = 0;
  // At most `limit` events with a seq larger than `after`.
  virtual Result<std::vector<TaskEvent>> Events(const std::string& id, uint64_t after, int limit) const = 0;
  // The seq of the last stored event that this attempt's worker wrote; 0: none.
  virtual Result<uint64_t> LastWorkerSeq(const std::string& id, int attempt) const = 0;
};

}  // namespace ns
