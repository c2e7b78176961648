#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/subprocess.h"
#include "cli/commands.h"

namespace ns {

namespace {

constexpr std::pair<const char*, const char*> kCommands[] = {
    {"optimize", "Find the fastest model that keeps its accuracy, with no service"},
    {"quantize", "Quantize a model without tuning, with no service"},
    {"inspect", "Show what is in a model"},
    {"export", "Turn a Hugging Face folder's weights into ONNX"},
    {"benchmark", "Measure a model's latency"},
};

}  // namespace

int PassThrough(int argc, char** argv) {
  if (argc < 2) return -1;
  bool ours = false;
  for (const auto& [name, help] : kCommands) ours = ours || std::strcmp(argv[1], name) == 0;
  if (!ours) return -1;
  auto program = ThisProgram();
  if (!program.ok()) return Fail(program.status());
  std::string worker = (program->parent_path() / "neural_solution_worker").string();
  std::vector<char*> args(argv, argv + argc);
  args[0] = worker.data();
  args.push_back(nullptr);
  ::execv(worker.c_str(), args.data());
  return Fail(ErrnoStatus(errno, fmt::format("cannot run '{}'", worker)));
}

void AddPassThroughHelp(CommandLine& line) {
  for (const auto& [name, help] : kCommands) line.Add(name, help, "Without a service").Runs([] { return 2; });
}

}  // namespace ns
