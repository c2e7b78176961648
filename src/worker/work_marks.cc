#include "worker/work_marks.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "base/hash.h"
#include "tasks/keeping_file.h"

namespace ns {

WorkMarks::WorkMarks(std::filesystem::path folder, WallTime now) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  const int64_t started = now.time_since_epoch().count();
  int64_t first = 0;
  std::ifstream file(folder_ / kOutOfMemoryFileName);
  if (!(file >> first)) first = started;
  spent_ = std::chrono::microseconds(std::max<int64_t>(started - first, 0));
  first_start_ = std::to_string(first);
  for (std::string line; file >> line;) killed_.push_back(line);
}

int WorkMarks::Killed(const std::string& piece) const {
  return killed_.empty() ? 0 : static_cast<int>(std::count(killed_.begin(), killed_.end(), Sha256Hex(piece)));
}

WorkMarks::Mark WorkMarks::Begin(const std::string& piece) const {
  if (folder_.empty()) return Mark({});
  // Not durable: it is read after a process died, not a machine.
  std::ofstream file(folder_ / kInWorkFileName, std::ios::trunc);
  file << first_start_ << '\n';
  for (const std::string& earlier : killed_) file << earlier << '\n';
  file << Sha256Hex(piece) << '\n';
  return Mark(folder_ / kInWorkFileName);
}

WorkMarks::Mark::~Mark() {
  std::error_code ignored;
  if (!file_.empty()) std::filesystem::remove(file_, ignored);
}

}  // namespace ns
