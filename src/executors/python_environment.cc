#include "executors/python_environment.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/hash.h"
#include "base/subprocess.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// Without the user's own packages and variables: a script's process gets neither.
constexpr const char* kQuestion =
    "import os, sys, sysconfig\n"
    "print(sys.executable)\n"
    "print(sys.version.replace('\\n', ' '))\n"
    "for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, sysconfig.get_path('stdlib'), os.path.realpath(sys.executable)):\n"
    "    print(path)\n";

std::vector<fs::path> CondaRoots() {
  std::vector<fs::path> roots;
  if (const char* program = std::getenv("CONDA_EXE")) roots.push_back(fs::path(program).parent_path().parent_path());
  if (const char* home = std::getenv("HOME")) {
    for (const char* name : {"miniconda3", "anaconda3", "miniforge3", "mambaforge", ".conda"}) roots.push_back(fs::path(home) / name);
  }
  roots.push_back("/opt/conda");
  return roots;
}

Result<fs::path> PythonOf(const std::string& environment) {
  std::error_code ignored;
  auto in = [&](const fs::path& folder) { return fs::exists(folder / "bin" / "python", ignored) ? folder / "bin" / "python" : fs::path(); };
  if (fs::path python = in(fs::absolute(environment)); !python.empty()) return python;
  if (environment.find('/') == std::string::npos) {
    for (const fs::path& root : CondaRoots()) {
      if (environment == "base" && !in(root).empty()) return in(root);
      if (fs::path python = in(root / "envs" / environment); !python.empty()) return python;
    }
  }
  return NotFound(fmt::format("--conda_env '{}' is neither a folder with bin/python nor the name of a conda environment; give its folder", environment),
                  "NO_CONDA_ENV");
}

bool IsSystem(const std::string& path) { return path == "/usr" || path.starts_with("/usr/"); }

}  // namespace

Result<PythonBase> FindPython(const std::string& environment) {
  std::string program = "python3";
  if (!environment.empty()) {
    NS_ASSIGN_OR_RETURN(fs::path python, PythonOf(environment));
    program = python.string();
  }
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("neural_solution_python_"));
  SpawnOptions spawn;
  spawn.argv = {program, "-I", "-c", kQuestion};
  spawn.stdout_file = folder.path() / "answer";
  spawn.stderr_file = folder.path() / "errors";
  auto child = Spawn(spawn);
  if (!child.ok()) {
    return NotFound(fmt::format("scripts need Python, and {}: install python3, or give --conda_env", child.status().message()), "NO_PYTHON");
  }
  NS_ASSIGN_OR_RETURN(ExitStatus exit, WaitChild(child->pid));
  std::istringstream answer(ReadFile(folder.path() / "answer", 1 << 16).value_or(""));
  PythonBase base;
  std::string executable, version;
  if (exit.signal != 0 || exit.exit_code != 0 || !std::getline(answer, executable) || !std::getline(answer, version) || executable.empty()) {
    return FailedPrecondition(fmt::format("'{}' is no Python that runs ({})", program, exit.ToString()), "NO_PYTHON");
  }
  base.executable = executable;
  base.identity = executable + "\n" + version;
  std::set<std::string> folders;
  for (std::string path; std::getline(answer, path);) {
    if (!path.empty() && path != "/" && !IsSystem(path)) folders.insert(path);
  }
  if (!IsSystem(executable)) folders.insert(executable);
  for (const std::string& path : folders) {  // in order, so that a folder comes before what is in it
    bool inside = std::any_of(base.folders.begin(), base.folders.end(), [&](const std::string& outer) { return path.starts_with(outer + "/"); });
    if (!inside) base.folders.push_back(path);
  }
  return base;
}

std::string EnvironmentName(const PythonBase& base, const std::vector<std::string>& requirements) {
  std::set<std::string> sorted(requirements.begin(), requirements.end());
  std::string text = base.identity;
  for (const std::string& requirement : sorted) text += "\n" + requirement;
  return Sha256Hex(text).substr(0, 32);
}

}  // namespace ns
