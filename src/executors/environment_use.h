// Who uses the environment of a script's requirements, and who may remove it.
//
//   FOLDER/<name>/{venv/, complete, lock}   what python/neural_solution/build_environment.py makes; packages may have added to it
//   FOLDER/<name>.used                      locked, shared, by each supervisor whose attempt uses it; its time says when that was last
// The second is where no step can reach it. One that is not complete and that nobody uses is what a failed build left.
#pragma once

#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/status.h"

namespace ns {

// While it lives nobody removes the environment, no other process either.
class EnvironmentUse {
 public:
  // Makes the folder where it is not there. Waits while it is being removed. Errors of the file system.
  static Result<EnvironmentUse> Begin(const std::filesystem::path& folder);
  EnvironmentUse(EnvironmentUse&&) = default;
  EnvironmentUse& operator=(EnvironmentUse&&) = default;
  ~EnvironmentUse();

 private:
  explicit EnvironmentUse(FileDescriptor lock) : lock_(std::move(lock)) {}
  FileDescriptor lock_;
};

bool IsCompleteEnvironment(const std::filesystem::path& folder);
// When somebody last began or ended to use it; the beginning of time: nobody did.
std::filesystem::file_time_type EnvironmentUsed(const std::filesystem::path& folder);

// False: somebody uses it. An error when it cannot be removed whole; then it is no longer complete.
Result<bool> RemoveUnusedEnvironment(const std::filesystem::path& folder);

}  // namespace ns
