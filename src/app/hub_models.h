// Models of the Hugging Face hub on the optimizer's command line.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "app/neural_solution_worker_options.h"
#include "base/status.h"

namespace ns {

// Where a command's model is a name of the hub and no file here, it is fetched by the program beside this one (`neural_solution fetch`: the
// optimizer itself never uses the network) and its folder takes the name's place; `optimize` then writes to "<name>-optimized" unless told. Errors of
// FetchHubModel(), as InvalidArgument; Cancelled.
Status BringHubModels(const std::filesystem::path& program, std::stop_token stop, WorkerCommandLine* line);

}  // namespace ns
