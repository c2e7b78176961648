// What the workers of one task share, in the task's folder.
//   team/lead.sock     the lead listens here (gRPC, proto/team.proto); an assistant connects here, or to its supervisor's relay
//   team_token         256 random bits in hexadecimal, mode 0600: who shows it belongs to the team; made by the service, once a task
//   team_address       where the lead's machine relays connections of other machines to that socket, a line for each of its addresses; its supervisor
//                      writes it, and no worker sees it
//   workers/<number>/  an assistant's own: steps.json, worker.pid, exit_status and work/ as the task's folder has them for the lead
#pragma once

#include <filesystem>
#include <string>

#include "tasks/task_spec.h"

namespace ns {

inline constexpr const char* kTeamFolderName = "team";
inline constexpr const char* kLeadSocketName = "lead.sock";
inline constexpr const char* kTeamTokenFileName = "team_token";
inline constexpr const char* kTeamAddressFileName = "team_address";
inline constexpr const char* kWorkersFolderName = "workers";

inline std::filesystem::path TeamFolder(const std::filesystem::path& task_folder) { return task_folder / kTeamFolderName; }
// May be longer than the 107 characters that a socket's address has: whoever uses it goes by its folder then.
inline std::filesystem::path LeadSocket(const std::filesystem::path& task_folder) { return TeamFolder(task_folder) / kLeadSocketName; }
inline std::filesystem::path TeamTokenFile(const std::filesystem::path& task_folder) { return task_folder / kTeamTokenFileName; }
inline std::filesystem::path TeamAddressFile(const std::filesystem::path& task_folder) { return task_folder / kTeamAddressFileName; }
// Of the lead the task's folder itself.
inline std::filesystem::path WorkerFolder(const std::filesystem::path& task_folder, int worker) {
  return worker == 0 ? task_folder : task_folder / kWorkersFolderName / std::to_string(worker);
}

// Its lead listens for assistants: it asked for several workers, and is no script.
inline bool HasTeam(const TaskSpec& spec) { return spec.workers > 1 && spec.script_url.empty(); }

}  // namespace ns
