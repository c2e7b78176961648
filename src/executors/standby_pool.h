// Supervisors started ahead of their attempts (standby.h): one that takes up an attempt is milliseconds from its worker.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"

namespace ns {

// Thread-safe. Ends those that still wait when it goes; they also end by themselves when this process does.
class StandbyPool {
 public:
  // `command` with --standby is such a supervisor.
  StandbyPool(std::vector<std::string> command, size_t size);
  ~StandbyPool();
  StandbyPool(const StandbyPool&) = delete;
  StandbyPool& operator=(const StandbyPool&) = delete;

  // Starts those that are missing.
  void Fill();
  // Gives an attempt (SupervisorWords()) to one that waits; none when there is none.
  std::optional<ProcessId> Take(const std::vector<std::string>& words);

 private:
  struct Waiting {
    ProcessId process;
    FileDescriptor request;  // closing it ends the process
  };
  static Result<Waiting> Start(const std::vector<std::string>& command);

  const std::vector<std::string> command_;
  const size_t size_;
  std::mutex mutex_;
  std::deque<Waiting> waiting_;  // the longest first
};

}  // namespace ns
