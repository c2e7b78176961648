// The reading end of events.jsonl: what a worker appended since the last look.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tasks/task_event.h"

namespace ns {

// Thread-compatible.
class EventTail {
 public:
  // Events with a seq up to `after_seq` are skipped.
  EventTail(std::filesystem::path file, uint64_t after_seq) : path_(std::move(file)), last_seq_(after_seq) {}

  // The complete new lines, in order; a line without its end waits for the next call. A line that is no event, or whose seq does not
  // ascend, is left out; the first few are told in the log. A file that is not there yet has no lines.
  // An event of more than kMostBytes comes as a note that says so.
  // At most about kMostAtOnce bytes of them; then more() is true. What a file has beyond kMostInAll is not read.
  Result<std::vector<TaskEvent>> ReadNew();
  bool more() const { return more_; }

  static constexpr size_t kMostAtOnce = 1 << 20;
  static constexpr size_t kMostBytes = 64 << 10;
  static constexpr size_t kMostInAll = 64 << 20;  // an honest task's are some hundreds; one that writes more is ended (resource_watch.h)

 private:
  void TakeLines(std::vector<TaskEvent>* events);
  void Warn(const std::string& text);

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string rest_;  // of a line that has no end yet
  uint64_t last_seq_;
  size_t read_ = 0;  // bytes of the file
  bool more_ = false;
  bool skipping_ = false;  // in a line that is too long
  int warnings_ = 0;
};

}  // namespace ns
