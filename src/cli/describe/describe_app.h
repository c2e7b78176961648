// From CLI11's definitions. Includes CLI11: for the .cc files that define commands.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/describe/description.h"

namespace ns {

// The shown subcommands of `app`, with their shown options.
std::vector<CommandDescription> DescribeCommands(const CLI::App& app);

// A check that says which words are taken, and lets completion know them.
CLI::Validator OneOf(const std::vector<std::string>& words);

}  // namespace ns
