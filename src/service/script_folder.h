// The script of a request, on disk.
#pragma once

#include <filesystem>
#include <vector>

#include "base/status.h"
#include "tasks/task_spec_codec.h"

namespace ns {

// The one Python script of the folder that `spec.script_url` names below `root`. "" with an error when the folder isn't there, leaves `root`, or
// holds none or several; "" without one when script_url is an address.
std::filesystem::path ResolveScript(const std::filesystem::path& root, const TaskSpec& spec, std::vector<FieldError>* errors);

}  // namespace ns
