// A team of workers under a simulated clock: the real TuningSession and LeaseTable, so who does what is decided as in a task, items that take as long
// as they were recorded to, a network with latency, and workers that are lost. Nothing is run here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tune/tuning_session.h"

namespace ns {

// What an item gives, and how long a worker of one kind computes on it, in seconds.
struct RecordedItem {
  TuningResult result;
  double seconds = 0;
};
using ItemRecords = std::function<RecordedItem(const TuningItem&)>;

struct TeamOptions {
  int workers = 1;
  // 0, ours: everybody works, the lead too, and an idle worker is given work at once. Else the original's: the first only coordinates, so many items
  // are asked for as a stage, and nothing of the next is begun before the last of it has ended.
  int stage_items = 0;
  double round_trip = 0;        // seconds between a worker's report and its next item; the lead has none
  double mean_time_to_loss = 0; // seconds of work until a worker but the lead is lost, exponentially distributed; 0: never
  double notice_seconds = 10;   // until its item is given to another: a broken connection is noticed at once, a silent one by its lease
  double restart_seconds = 5;   // until it is back
  uint64_t seed = 0;            // of the losses
};

// One worker's work on one item.
struct SimulatedAttempt {
  int worker = 0;
  std::string item;
  double begin = 0, end = 0;
  enum class End { kDone, kLost, kStopped } how = End::kDone;  // kStopped: it was not wanted any more, or gave way
  bool ahead = false;                                          // begun ahead of its time
};

struct SimulatedOutcome {
  double accepted_at = 0;  // seconds until the first model that holds the accuracy was known; 0: none was
  double best_at = 0;      // until the one that is the answer was; 0: fp32 is
  double ended_at = 0;
  double busy_seconds = 0;           // of all workers
  double done_seconds = 0;           // of these, of items that were done
  int lost = 0;                      // items whose worker was lost
  std::string answer;                // its configuration's text form; "": fp32
  double gain = 1;                   // the answer's, over fp32
  std::map<std::string, double> done;       // by KeyOf(): seconds of the attempt that ended well
  std::vector<SimulatedAttempt> attempts;   // in the order of their ends
};

// Timing items run on the lead alone (all speeds are compared within one process). NS_CHECK: the session ends.
SimulatedOutcome SimulateTeam(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& team);

}  // namespace ns
