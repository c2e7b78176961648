// The options of neural_solution_worker that make it one of several workers of a task.
#pragma once

#include <string>

#include "base/status.h"
#include "worker/team/team_options.h"

namespace CLI {
class App;
}

namespace ns {

// The number of workers of `optimize`.
void AddWorkersOption(CLI::App* optimize, LeadOptions* options);
void AddLeadOptions(CLI::App* lead, LeadOptions* options);
// `cores`: the text of --cores, for ParseCores().
void AddAssistOptions(CLI::App* assist, AssistOptions* options, std::string* cores);
// InvalidArgument (BAD_USAGE): a socket without a token file, or the other way round.
Status CheckLeadOptions(const LeadOptions& options);

}  // namespace ns
