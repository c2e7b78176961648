// A worker on a node that does not see the workspace: what its outpost there (outpost/) and the service (service/outpost_desk.h) tell each other, and
// what the service keeps for it. On the node a task's folder is NODE_FOLDER/tasks/<id>, with the same files in it as in the workspace, and the task's
// inputs below given/.
//   outpost.json   in the worker's folder of the workspace: which of the service's files the worker gets, and where
//   node_task.json there, too: task.json as the node's lead gets it
//   outpost_token  in the task's folder of the workspace, mode 0600: 256 random bits in hexadecimal; who shows it is an outpost of this task
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/worker_id.h"

namespace ns {

inline constexpr const char* kOutpostFileName = "outpost.json";
inline constexpr const char* kNodeTaskFileName = "node_task.json";
inline constexpr const char* kOutpostTokenFileName = "outpost_token";
inline constexpr const char* kOutpostTokenVariable = "NEURAL_SOLUTION_OUTPOST_TOKEN";  // how it reaches the node: no command line shows it
inline constexpr const char* kOutpostSessionHeader = "outpost-session";
inline constexpr const char* kGivenFolderName = "given";
inline constexpr const char* kNodeCacheFolderName = "cache";  // of a task on a node: its tuning cache

// NODE_FOLDER/tasks/<id>
std::filesystem::path NodeTaskFolder(const std::filesystem::path& node_folder, const std::string& task_id);

// A file or folder of the service.
struct OutpostInput {
  std::filesystem::path source;  // absolute
  std::string target;            // in the task's folder on the node: "given/model/m.onnx"
  bool kept = false;             // it may be kept on the node for other tasks: model, data
  bool model = false;            // ... with the files that its weights are in
  bool awaited = false;          // it is on its way to the service: what a lead fetched for all
  bool operator==(const OutpostInput&) const = default;
};
std::string OutpostInputsToJson(const std::vector<OutpostInput>& inputs);
// InvalidArgument (BAD_OUTPOST_FILE), here and below.
Result<std::vector<OutpostInput>> ParseOutpostInputs(std::string_view json);

// One file, by its content.
struct OutpostFile {
  std::string target;
  std::string sha256;
  uint64_t size = 0;
  bool kept = false;
  bool operator==(const OutpostFile&) const = default;
};
// What an outpost begins with.
struct OutpostOrder {
  bool ended = false;  // this start of the worker has ended already: nothing is to be done
  std::vector<OutpostFile> files;
};
std::string OutpostOrderToJson(const OutpostOrder& order);
Result<OutpostOrder> ParseOutpostOrder(std::string_view json);

// A sign of life, and its answer.
struct OutpostBeat {
  std::string pids;     // worker.pid; "": there is none yet
  std::string address;  // team_address: of a lead what it says, in the answer what the lead says; "": nothing yet
};
std::string OutpostBeatToJson(const OutpostBeat& beat);
Result<OutpostBeat> ParseOutpostBeat(std::string_view json);

// How far something has come: {"next": n}.
std::string OutpostNextJson(uint64_t next);
Result<uint64_t> ParseOutpostNext(std::string_view json);

// A relative path without "..", "." or empty parts: it stays where it is put.
bool IsSafeTarget(std::string_view target);

// "/outpost/<task>/<worker>/<fence>"
std::string OutpostPath(const WorkerId& worker);

}  // namespace ns
