// What of a task has been in work when a worker was killed for its memory, so that the next one takes it smaller: a control group's limit ends a
// process where no allocation fails. What is in work is a line in a file; the supervisor renames the file when it kills, and starts the
// worker again (tasks/keeping_file.h).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ns {

// Thread-compatible.
class WorkMarks {
 public:
  // Nothing is marked and nothing has failed.
  WorkMarks() = default;
  // `folder`: of the files; empty: as above. `now`: when this worker started.
  WorkMarks(std::filesystem::path folder, WallTime now);

  // How often a worker was killed with `piece` in work.
  int Killed(const std::string& piece) const;

  // The digests of all pieces, once for each time.
  const std::vector<std::string>& killed() const { return killed_; }

  // What the workers took that were killed.
  std::chrono::duration<double> spent() const { return spent_; }

  // In work from its making to its end.
  class Mark {
   public:
    explicit Mark(std::filesystem::path file) : file_(std::move(file)) {}
    ~Mark();
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    std::filesystem::path file_;
  };
  // One at a time. A mark that cannot be written is none.
  [[nodiscard]] Mark Begin(const std::string& piece) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> killed_;  // SHA-256 of the pieces, one for each time
  std::chrono::duration<double> spent_{};
  std::string first_start_;  // in microseconds
};

}  // namespace ns
