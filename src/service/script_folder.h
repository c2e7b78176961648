// The script of a request, on disk.
#pragma once

#include <filesystem>
#include <vector>

#include "service/resolve_inputs.h"
#include "tasks/task_spec_codec.h"

namespace ns {

// The one Python script of the folder that `spec.script_url` names below the upload path. "" with an error when the folder isn't there, isn't
// the submitter's to name, or holds none or several; "" without one when script_url is an address.
std::filesystem::path ResolveScript(const InputSources& sources, const TaskSpec& spec, std::vector<FieldError>* errors);

}  // namespace ns
