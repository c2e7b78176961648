// Completion scripts for shells.
#pragma once

#include <string>

#include "cli/describe/description.h"

namespace ns {

// For `source <(neural_solution completion bash)`, or a file in share/bash-completion/completions. Needs nothing of bash-completion.
std::string BashCompletion(const ProgramDescription& program);
// For a file _NAME in a folder of $fpath, or `source <(neural_solution completion zsh)` after compinit.
std::string ZshCompletion(const ProgramDescription& program);

}  // namespace ns
