// The Python that scripts run with, and the environments that are layered over it for a task's requirements.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct PythonBase {
  std::filesystem::path executable;   // as it is called: of a virtual environment its own, not the file behind the link
  std::vector<std::string> folders;   // what it needs to run: its prefixes, its standard library, the file behind the link
  std::string identity;               // another version or place gives another one
};

// The Python of `environment`: a folder of a conda or virtual environment, a conda environment's name, or "" for the first python3 on PATH.
// Runs it once. NotFound (NO_PYTHON, NO_CONDA_ENV); FailedPrecondition (NO_PYTHON) when it cannot be run.
Result<PythonBase> FindPython(const std::string& environment);

// The name of the environment for `requirements` over `base`: the same for the same set in any order, 32 hex digits.
std::string EnvironmentName(const PythonBase& base, const std::vector<std::string>& requirements);

}  // namespace ns
