// A user's script as a child process: its output read line by line.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"

namespace ns {

struct ScriptProcess {
  std::vector<std::string> argv;  // argv[0] is an absolute path
  std::filesystem::path working_folder;
  std::map<std::string, std::string> environment;  // set beside ours
};

// Runs it to its end. `line` hears what it and what it started write to standard output and error, in order, each line without its line
// break; a line of more than 64 KiB comes in pieces. What still runs when the script has ended is killed. A failure of `line` ends the script
// and is returned. Cancelled when `stop` came: then it was killed. NotFound (PROGRAM_NOT_FOUND).
Result<ExitStatus> RunScriptProcess(const ScriptProcess& script, std::stop_token stop, const std::function<Status(std::string_view)>& line);

}  // namespace ns
