// The assistants of `optimize --workers N`: processes of this machine, each on its own part of the cores.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"
#include "worker/options.h"
#include "worker/output_folder.h"

namespace ns {

class LocalAssistants {
 public:
  // Starts `workers` - 1 of them and makes `options` those of their lead: its part of the cores, and where they find it. No more workers than
  // cores; for one, and for what is only said or replayed, nothing is done. `program`: ours.
  static Result<LocalAssistants> Start(int workers, const std::filesystem::path& program, ScratchFolders& scratch, OptimizeOptions* options);
  // Ends those that are still there.
  ~LocalAssistants();
  LocalAssistants(LocalAssistants&&) noexcept = default;

 private:
  LocalAssistants() = default;
  std::optional<TempDir> folder_;
  ScratchFolders* scratch_ = nullptr;
  std::vector<ProcessId> processes_;
};

// `cores` in `parts` runs of neighbours, as even as can be, the first not smaller than the others. At least one core a part (NS_CHECK).
std::vector<std::vector<int>> SplitCores(const std::vector<int>& cores, int parts);

// Where this process should not outlive the one that started it.
void EndWithParent(const AssistOptions& options);

}  // namespace ns
