// A typed request as the text of the REST request that says the same, so that one validation reads both (tasks/task_spec_codec.h).
#pragma once

#include <string>

#include "neural_solution.pb.h"

namespace ns {

// The body of POST /task/submit/. A field that is not set is left out; numbers that JSON doesn't have are written as text, which the
// validation refuses at their place.
std::string TaskRequestJson(const neural_solution::Task& task);

}  // namespace ns
