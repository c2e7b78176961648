// Mistakes that the simulation (tests/sim) is asked to find: each switches one rule off. Never on outside of it.
#pragma once

namespace ns {

enum class SeededBug {
  kNone,
  // Of the scheduler:
  kForgetSlot,         // the slot of a cancelled task's worker is not given back
  kLoseWakeUp,         // nobody wakes up for a task that backs off
  kNoAge,              // waiting makes no task's class better
  kUnfair,             // what a submitter holds is not counted
  kFreeHeldTwice,      // a slot that two workers hold after a restart is free when the first has ended
  kNoBackoff,          // a lost task is tried again at once
  kRetryForever,       // ... and again, without an end
  kGrowFirst,          // a running task takes slots that pending ones wait for
  kMissDeadline,       // a deadline that comes while the task waits is not seen
  kTwoOnASlot,         // an assistant's slot stays free
  kKeepAssistants,     // the assistants of a task that has ended are not told to end
  kNoReclaim,          // no assistant is taken back for a task that waits
  kIgnoreSurplus,      // how many workers a lead has work for is not heard
  kRestartAtOnce,      // a lost assistant is started again at once, without an end
  // Of the task runner:
  kStartBeforeCommit,  // a worker starts before its attempt is recorded
  kAckCancelEarly,     // "cancelled" is answered before it is durable
  kHearStale,          // an attempt that is over is heard
  kForgetAssistants,   // a restart does not take up the slots of assistants
  kForgetBacklog,      // what the scheduler did not know yet is never told to it
  // Of the simulated store:
  kDropSync,           // the last transaction before a crash is not on the disk
  kSkipFence,          // a stale attempt's writes are taken
  kForgetFences,       // how many assistants a task had is not stored
  kStoreEventsTwice,   // events that were stored already are stored again
};

}  // namespace ns
