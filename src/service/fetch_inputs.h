// The step before a task's worker that brings its inputs: addresses are fetched, archives unpacked, into inputs/ of the task's folder.
// `neural_solution fetch-inputs --task-folder DIR ...` is a process of its own below the task's supervisor: it outlives the service, ends with
// the task, and keeps what comes from strangers out of the service.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "fetch/archive.h"
#include "fetch/download.h"
#include "hub/hub_settings.h"
#include "tasks/event_log.h"
#include "tasks/task_inputs.h"

namespace ns {

struct FetchInputsOptions {
  std::filesystem::path task_folder;
  std::filesystem::path cache_folder;             // of fetched files, shared by all tasks
  uint64_t cache_bytes = uint64_t{50} << 30;
  HubSettings hub;                                // of the step itself: by its environment; hub.cache is shared by all tasks, too
  uint64_t hub_cache_bytes = UINT64_MAX;          // more: the models unused for longest are removed. A cache that others fill has no limit
  FetchOptions fetch;
  UnpackLimits unpack;
};

// Fetches and unpacks what NeedsFetching() names (a model of the hub becomes files of inputs/model/), and writes inputs/inputs.json. What an earlier attempt left in inputs/ goes first. Progress
// and notes go to `events`, lines for people to standard output. Errors as DownloadCache::Fetch, FetchHubModel and UnpackArchive; InvalidArgument
// (BAD_MODEL_ARCHIVE) when an archive holds neither a Hugging Face folder nor one .onnx file.
Status FetchInputs(const FetchInputsOptions& options, EventLog& events);

// The command line of the step for the same options, but for --task-folder DIR, which the caller appends, and the hub's settings.
std::vector<std::string> FetchInputsCommand(const std::string& program, const FetchInputsOptions& options);

// The step's main(), argv[1] being "fetch-inputs". The exit code: 0; 2 when the task fails for what the user gave (a failed event says why);
// 28 when the disk is full; 75 when another attempt may succeed; 64 for a bad command line.
int FetchInputsMain(int argc, char** argv);

}  // namespace ns
