// What ran a model, for reports.
#pragma once

#include <string>

namespace ns {

// "1.21.1", of the loaded library.
std::string RuntimeVersion();
// ONNX Runtime's own description of its build (commit, flags).
std::string RuntimeBuild();

}  // namespace ns
