// A supervisor that was started before there is an attempt for it: `neural_solution_supervisor --standby`. It has made the control groups and keeps
// a process in them that will become the attempt's first step, since that is what takes longest of a start (docs/design/sandbox.md). Its standard
// input is a socket of the service (standby_pool.h): the attempt comes there, as the words of a supervisor's command line. Until then it has
// no folder, log or name of any task; when the service goes, it goes too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// Waits for an attempt and runs it; the process's exit code, 0 when none came. Never call it in a process with other threads.
int StandBy();

// Words as they are sent: each with a NUL behind it, and one more at the end. No word is empty.
std::string PackWords(const std::vector<std::string>& words);
// Reads packed words from a descriptor, until their end. Unavailable (NO_WORDS) when the other side closed it before.
Result<std::vector<std::string>> ReadWords(int fd);

}  // namespace ns
