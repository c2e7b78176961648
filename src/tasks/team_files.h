// What the workers of one task share, in the task's folder.
//   team/lead.sock     the lead listens here (gRPC, proto/team.proto); an assistant connects here, or to its supervisor's relay
//   team_token         256 random bits in hexadecimal, mode 0600: who shows it belongs to the team; made by the service, once a task
//   workers/<number>/  an assistant's own: steps.json, worker.pid, exit_status and work/ as the task's folder has them for the lead
#pragma once

#include <filesystem>
#include <string>

namespace ns {

inline constexpr const char* kTeamFolderName = "team";
inline constexpr const char* kLeadSocketName = "lead.sock";
inline constexpr const char* kTeamTokenFileName = "team_token";
inline constexpr const char* kWorkersFolderName = "workers";

inline std::filesystem::path TeamFolder(const std::filesystem::path& task_folder) { return task_folder / kTeamFolderName; }
inline std::filesystem::path TeamTokenFile(const std::filesystem::path& task_folder) { return task_folder / kTeamTokenFileName; }
// Of the lead the task's folder itself.
inline std::filesystem::path WorkerFolder(const std::filesystem::path& task_folder, int worker) {
  return worker == 0 ? task_folder : task_folder / kWorkersFolderName / std::to_string(worker);
}

}  // namespace ns
