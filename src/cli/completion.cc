#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "base/subprocess.h"
#include "cli/commands.h"
#include "cli/describe/completion.h"
#include "cli/describe/man_page.h"

namespace ns {

namespace {

// The commands that the worker program carries out, as it describes them itself.
Result<std::vector<CommandDescription>> WorkerCommands() {
  NS_ASSIGN_OR_RETURN(auto program, ThisProgram());
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("neural_solution_describe_"));
  SpawnOptions spawn;
  spawn.argv = {(program.parent_path() / "neural_solution_worker").string(), "describe"};
  spawn.stdout_file = folder.path() / "commands";
  NS_ASSIGN_OR_RETURN(ProcessId child, Spawn(spawn));
  NS_ASSIGN_OR_RETURN(ExitStatus exit, WaitChild(child.pid));
  if (exit.exit_code != 0 || exit.signal != 0) return Internal(fmt::format("'{}' failed: {}", spawn.argv[0], exit.ToString()));
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(spawn.stdout_file, 1 << 20));
  return ParseCommands(text);
}

Result<ProgramDescription> WholeProgram(const CommandLine& line) {
  ProgramDescription program = line.Describe();
  NS_ASSIGN_OR_RETURN(auto theirs, WorkerCommands());
  for (CommandDescription& command : program.commands) {
    for (const CommandDescription& other : theirs) {
      if (other.name == command.name) command.options = other.options;
    }
  }
  return program;
}

std::vector<ManSection> Sections() {
  return {
      {"CONFIGURATION",
       "The options of start and serve, and --workspace and --url of the others, are taken from the command line, else from the environment "
       "variable NEURAL_SOLUTION_NAME (the option's name in capitals), else from the configuration file, else they have their default. Where "
       "--workspace comes from before --url in this order, it is what counts; where both come from the same, --url does. In the name of an "
       "option - and _ are the same.\n\n"
       "The file holds lines such as: restful_api_port = 8080. A line that begins with # is a comment; a value with spaces at its ends stands "
       "in double quotes; a flag is true or false. It is the one that --config or the variable NEURAL_SOLUTION_CONFIG names, else "
       "neural_solution.conf in $XDG_CONFIG_HOME (else ~/.config), else /etc/neural_solution.conf."},
      {"ENVIRONMENT",
       "NEURAL_SOLUTION_TOKEN: the token that is sent to a service that wants one.\n\n"
       "NEURAL_SOLUTION_CA: file with certificates (PEM) by which an https service that is not on this workspace is known; else the system's."},
      {"EXIT STATUS",
       "0: done. 1: what was asked for failed: the task failed or was cancelled, no service answers, there is no such task. 2: the command line, "
       "the configuration or the request is wrong, or the service could not start; standard error has one line that says why and what to do."},
  };
}

}  // namespace

void AddCompletion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  Command command = line.Add("completion", "Print a script that completes commands and options: source <(neural_solution completion bash)", "Other");
  command.Choice("shell", shell.get(), {"bash", "zsh"}, "Which shell", /*required=*/true);
  command.Runs([shell, &line] {
    auto program = WholeProgram(line);
    if (!program.ok()) return Fail(program.status());
    std::printf("%s", (*shell == "bash" ? BashCompletion(*program) : ZshCompletion(*program)).c_str());
    return 0;
  });
  line.Add("man", "Print the manual page: neural_solution man | man -l -", "Other").Runs([&line] {
    auto program = WholeProgram(line);
    if (!program.ok()) return Fail(program.status());
    std::printf("%s", ManPage(*program, Sections()).c_str());
    return 0;
  });
}

}  // namespace ns
