// A log that is read while it is written, as whole lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"

namespace ns {

// Thread-compatible. Holds at most kPiece bytes, whatever the length of a line.
class LogTail {
 public:
  static constexpr size_t kPiece = 64 << 10;

  // Valid UTF-8: what is not is replaced by U+FFFD.
  struct Lines {
    std::string text;    // lines, '\n' between them and not after the last; or a part of one line longer than kPiece
    bool whole = true;   // false: the last line goes on in the next Lines
  };

  // The file need not be there yet. The first `skip` lines are left out.
  LogTail(std::filesystem::path file, uint64_t skip) : path_(std::move(file)), skip_(skip) {}

  // What is new: a line counts when its line break is written, or when nothing more will come (`ended`). None: nothing now.
  std::optional<Lines> Read(bool ended);

 private:
  bool Fill();
  bool Skip();
  Lines Take(size_t size, bool whole);

  const std::filesystem::path path_;
  uint64_t skip_;
  FileDescriptor file_;
  uint64_t at_ = 0;
  std::string held_;      // read, not given yet
  bool inside_ = false;   // a part of the line was given already
};

}  // namespace ns
