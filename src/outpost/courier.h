// Brings what a worker and its supervisor write into their folder on the node to the service, as they write it.
//
// What is told is never ahead of what is kept: an event goes after the entries of the tuning cache that were there when it was written. So a trial of
// which the service knows is in the journal that the next lead gets, wherever that starts.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/status.h"
#include "outpost/service_line.h"

namespace ns {

class Courier {
 public:
  struct Places {
    std::filesystem::path task;    // the task's folder on the node
    std::filesystem::path worker;  // the worker's own
    std::filesystem::path log;     // the supervisor's output
    bool lead = true;
    int fence = 1;
  };
  Courier(Places places, ServiceLine& line);

  // A look at everything; what is new is sent. After a failure it goes on where it was. Errors of ServiceLine.
  Status Carry();
  // The end, once the supervisor has ended: what is left, the result, and exit_status. Without exit_status the worker is to be started again.
  Status CarryEnd();
  // No more than a sign of life is sent, where one is due. False: the worker was given up.
  bool Beat();

 private:
  using Time = std::chrono::steady_clock::time_point;
  Status CarryEvents();
  Status CarryEntries();
  Status CarryLog();
  Status CarryInputs();
  Status SendBeat(bool due);
  void TakeEntry(int folder, const char* name, Status* status);

  const Places places_;
  ServiceLine& line_;
  uint64_t events_sent_ = 0, log_sent_ = 0;  // bytes
  std::map<std::string, std::string> entries_;  // by name: what the file system said of the one that was sent
  std::string told_pids_, told_address_, heard_address_;
  Time beat_at_ = {};
  bool inputs_sent_ = false, result_sent_ = false;
};

}  // namespace ns
