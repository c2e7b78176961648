// A team of workers under a simulated clock: the real TuningSession, items that take as long as they were recorded to, a network with
// latency, and workers that are lost. Nothing is run here.
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
  double lease_seconds = 10;    // until its item is given to another
  double restart_seconds = 5;   // until it is back
  uint64_t seed = 0;            // of the losses
};

struct SimulatedOutcome {
  double accepted_at = 0;  // seconds until the first model that holds the accuracy was known; 0: none was
  double best_at = 0;      // until the one that is the answer was; 0: fp32 is
  double ended_at = 0;
  double busy_seconds = 0;           // of all workers
  int lost = 0;                      // items whose worker was lost
  std::string answer;                // its configuration's text form; "": fp32
  std::set<std::string> items;       // KeyOf() of all that were done
  std::map<std::string, double> cost;  // seconds of each, the lost attempts included
};

// Timing items run on the lead alone (all speeds are compared within one process). NS_CHECK: the session ends.
SimulatedOutcome SimulateTeam(const ItemRecords& records, const TuningSession::Options& session, const TeamOptions& team);

}  // namespace ns
