// A command line as data: what completion and the manual page are made from, so that they can't say anything else than the program does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

struct OptionDescription {
  std::vector<std::string> names;    // "-f", "--follow"; of a positional argument its one name, without dashes
  std::string value;                 // what stands for its value in the help: "TEXT", "INT"; "": a flag
  std::string help;
  std::string standard;              // its value when it is not given; "": none
  std::vector<std::string> choices;  // the values it takes; empty: any
  bool positional = false, required = false;
};

struct CommandDescription {
  std::string name, help, group;
  std::vector<OptionDescription> options;  // without -h
};

struct ProgramDescription {
  std::string name, help, version;
  std::vector<CommandDescription> commands;
};

// Commands as text and back: how one program tells its commands to another. InvalidArgument (BAD_DESCRIPTION).
std::string CommandsToText(const std::vector<CommandDescription>& commands);
Result<std::vector<CommandDescription>> ParseCommands(std::string_view text);

}  // namespace ns
