// The fields of a request that only a script has: script_url, optimized, arguments, requirements. Private to tasks/.
#pragma once

#include "tasks/json_reader.h"
#include "tasks/task_spec.h"

namespace ns {

inline constexpr const char* kNotAvailable = "value_error.not_available";

// Reads optimized, arguments and requirements.
void ReadScriptFields(FieldReader& in, TaskSpec* out);

// Checks what the request says about its script: an http(s) address of a .py file, or a path; one that calls an optimizer itself.
void CheckScript(FieldReader& in, const TaskSpec& spec);

}  // namespace ns
