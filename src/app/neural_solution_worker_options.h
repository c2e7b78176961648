// The command line of neural_solution_worker.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "worker/benchmark.h"
#include "worker/optimize.h"
#include "worker/quantize_once.h"
#include "worker/script_run.h"
#include "worker/team/team_options.h"

namespace ns {

enum class WorkerCommand { kHelp, kOptimize, kLead, kAssist, kInspect, kBenchmark, kQuantize, kExport, kMeasureMemory };

struct WorkerCommandLine {
  WorkerCommand command = WorkerCommand::kHelp;
  std::string help;   // kHelp: the text
  bool json = false;  // events (optimize, lead) or the result as JSON on standard output
  OptimizeOptions optimize;           // kInspect too: model and, for a diagnosis, data and plan
  std::filesystem::path task_folder;  // kLead
  ScriptSetup script;                 // kLead
  LeadOptions lead;                   // kLead
  AssistOptions assist;               // kAssist
  bool all = false;                   // kInspect: all operators
  std::filesystem::path html, svg;    // kInspect: files to write; empty: none
  BenchmarkOptions benchmark;
  QuantizeOnceOptions quantize;
  std::filesystem::path exported, export_to;  // kExport: a folder of weights, the .onnx file to write
  bool force = false;                          // kExport: replace a file
  std::filesystem::path measured;       // kMeasureMemory
  std::map<std::string, Shape> shapes;  // kMeasureMemory
  int threads = 1;                      // kMeasureMemory
};

// InvalidArgument (BAD_USAGE and the reasons of single options) with one line that names the option and what it
// accepts.
Result<WorkerCommandLine> ParseWorkerCommandLine(int argc, const char* const* argv);

}  // namespace ns
