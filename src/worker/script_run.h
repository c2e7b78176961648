// A script task: the user's Python script, which calls an optimizer itself, run as it is.
//
// The script is copied to script/ of the work folder and runs there. Its numbers come from our package's report (worker/script_report.h), else
// from neural_compressor's log lines (worker/compressor_log.h), and the report says which. The model it saved becomes the result folder, with
// a report.json that has what is known.
#pragma once

#include <filesystem>

#include "tasks/task_file.h"
#include "worker/optimize.h"

namespace ns {

struct ScriptSetup {
  std::filesystem::path python;          // the interpreter
  std::filesystem::path package_folder;  // put on PYTHONPATH: where our package is
};

// `task.script_path` is there; of its folder all is copied but dataset/ and model/, which are linked to. Events: stages, the script's baseline
// and trials as their lines appear.
// FailedPrecondition (SCRIPT_FAILED): it ended with another exit code than 0; (NO_RESULT): it ended well and left neither a report nor a saved
// model; (MODEL_NOT_THERE): what it says it saved is not there. InvalidArgument (BAD_SCRIPT_REPORT). Errors of files. Cancelled.
Result<OptimizeOutcome> RunScript(const TaskFile& task, const ScriptSetup& setup, const WorkContext& context);

// The script's command line: each argument split into words (tasks/shell_words.h); in a word that ends in "=dataset" or "=model", or goes on
// with '/' there, the name becomes the path of that folder beside the script, where there is one.
Result<std::vector<std::string>> ScriptArguments(const std::vector<std::string>& arguments, const std::filesystem::path& script_folder);

}  // namespace ns
