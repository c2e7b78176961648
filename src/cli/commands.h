// The commands, each in its own file.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "cli/cli.h"
#include "cli/command_line.h"
#include "client/api_client.h"

namespace ns {

void AddStart(CommandLine& line);
void AddServe(CommandLine& line, const CliHooks& hooks);
void AddStop(CommandLine& line);
void AddCluster(CommandLine& line);
void AddToken(CommandLine& line, const CliHooks& hooks);
void AddStatus(CommandLine& line);
void AddSubmit(CommandLine& line);
void AddUpload(CommandLine& line);
void AddWait(CommandLine& line);
void AddList(CommandLine& line);
void AddShow(CommandLine& line);
void AddLog(CommandLine& line);
void AddCancel(CommandLine& line);
void AddDownload(CommandLine& line);
void AddRecipe(CommandLine& line);
void AddFetch(CommandLine& line);
// `completion` and `man`, made from the definitions of all commands.
void AddCompletion(CommandLine& line);

// Commands of neural_solution_worker, which is run in this process's place. Returns only when that is impossible, with the exit code; -1:
// argv[1] is no such command.
int PassThrough(int argc, char** argv);
void AddPassThroughHelp(CommandLine& line);

// Which service a command means, and how it prints.
struct ServiceTarget {
  std::string url;                          // "": the one that runs on `workspace`, or port 8000 of this machine
  std::string workspace = "./ns_workspace";
  bool json = false;
};
void AddTarget(Command& command, ServiceTarget* target);
ApiClient Connect(const ServiceTarget& target);
// What `show` prints of a task. The exit code.
int ShowTask(const ServiceTarget& target, const std::string& id);

// Prints "neural_solution: message" on standard error. 1, or 2 for a wrong request.
int Fail(const Status& status);

}  // namespace ns
