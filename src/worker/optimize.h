// The main job: a model and its data in, the fastest model that holds the accuracy out, with the evidence.
//
// Stages: load (and check), prepare, baseline, calibrate, then as the tuning session asks quantize, evaluate, time and
// rank, then package: the result is written to a folder beside its place, that very file is evaluated on all rows,
// timed against the user's file and measured for memory, and then the folder is renamed into place. A failure leaves nothing
// behind, nor does a stop before anything was evaluated, or while fp32 is the best; else the best so far (TuningSession::best_so_far()) is
// packaged, with the figures of its trial and without measuring it again.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "graph/model.h"
#include "tasks/report.h"
#include "worker/event_sink.h"
#include "worker/options.h"
#include "worker/output_folder.h"

namespace ns {

// What the work needs of the process around it.
struct WorkContext {
  const Clock& clock;
  EventSink& events;
  std::stop_token stop;
  std::filesystem::path program;  // neural_solution_worker, started again to measure memory
  ScratchFolders& scratch;
};

struct OptimizeOutcome {
  Report report;
  std::filesystem::path output;   // empty after a dry run
  std::string plan;               // dry run: what would be done, lines for people
  std::string text;               // of a script task: the result in lines for people; empty: the report says it
  double evaluation_seconds = 0;  // of the packaged file
  bool interrupted = false;       // a stop came: the output is the best so far, as its trial measured it
};

// Errors: what the user handed in, told so that one line names the thing and the remedy (InvalidArgument, NotFound,
// AlreadyExists, FailedPrecondition); ResourceExhausted (DISK_FULL, OUT_OF_MEMORY); Cancelled.
Result<OptimizeOutcome> Optimize(const OptimizeOptions& options, const WorkContext& context);

// SHA-256 of a model: of its file, or, with external data, of the list of its files' names and digests.
Result<std::string> DigestOfModel(const std::filesystem::path& onnx, const Model& model);

// Versions of ours and of the libraries, the processor, threads and cores.
EnvironmentReport DescribeEnvironment(const std::vector<int>& cores, int threads);

}  // namespace ns
