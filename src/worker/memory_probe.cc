#include "worker/memory_probe.h"

#include <signal.h>

#include <charconv>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "base/subprocess.h"
#include "runtime/memory.h"
#include "worker/latency.h"

namespace ns {
namespace fs = std::filesystem;

std::string InputShapeToString(const std::string& name, const Shape& shape) {
  std::string text = name + "=";
  for (size_t i = 0; i < shape.size(); ++i) text += fmt::format("{}{}", i > 0 ? "," : "", shape[i]);
  return text;
}

Result<std::pair<std::string, Shape>> ParseInputShape(const std::string& text) {
  auto bad = [&] {
    return InvalidArgument(fmt::format("'{}' is not an input's shape; shapes are given as name=1,3,224,224", text),
                           "BAD_SHAPE");
  };
  size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) return bad();
  Shape shape;
  const char* at = text.data() + equals + 1;
  const char* end = text.data() + text.size();
  while (at < end) {
    int64_t size = 0;
    auto [after, error] = std::from_chars(at, end, size);
    if (error != std::errc() || size < 0 || (after < end && *after != ',')) return bad();
    shape.push_back(size);
    if (after < end && after + 1 == end) return bad();
    at = after < end ? after + 1 : end;
  }
  return std::make_pair(text.substr(0, equals), shape);
}

namespace {

Result<ExitStatus> WaitOrKill(const ProcessId& child, std::stop_token stop) {
  while (true) {
    NS_ASSIGN_OR_RETURN(auto status, TryWaitChild(child.pid));
    if (status) return *status;
    if (stop.stop_requested()) {
      (void)SignalProcess(child, SIGKILL);
      (void)WaitChild(child.pid);
      return Cancelled();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Result<uint64_t> MeasurePeakMemory(const MemoryProbe& probe, const fs::path& model, const NamedTensors& like,
                                   std::stop_token stop) {
  SpawnOptions spawn;
  spawn.argv = {probe.program.string(), "measure-memory", model.string(), "--threads", std::to_string(probe.threads)};
  for (const auto& [name, tensor] : like) {
    spawn.argv.push_back("--shape");
    spawn.argv.push_back(InputShapeToString(name, tensor.shape()));
  }
  spawn.stdout_file = probe.scratch / ("memory-" + RandomHex(4));
  spawn.stderr_file = spawn.stdout_file;
  NS_ASSIGN_OR_RETURN(ProcessId child, Spawn(spawn));
  auto ended = WaitOrKill(child, stop);
  auto text = ReadFile(spawn.stdout_file, 1 << 20);
  std::error_code ignored;
  fs::remove(spawn.stdout_file, ignored);
  NS_RETURN_IF_ERROR(ended.status());
  NS_RETURN_IF_ERROR(text.status());
  uint64_t peak = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), peak);
  if (ended->exit_code != 0 || ended->signal != 0 || error != std::errc()) {
    return Internal(fmt::format("the memory probe of '{}' ended with {}: {}", model.string(), ended->ToString(), *text),
                    "PROBE_FAILED");
  }
  return peak;
}

Result<uint64_t> RunForPeakMemory(const fs::path& model, const std::map<std::string, Shape>& shapes, int threads) {
  SessionOptions options;
  options.threads = threads;
  NS_ASSIGN_OR_RETURN(Session session, Session::FromFile(model, options));
  std::vector<TensorSpec> inputs = session.inputs();
  for (TensorSpec& spec : inputs) {
    auto found = shapes.find(spec.name);
    if (found != shapes.end()) spec.shape = found->second;
  }
  NS_ASSIGN_OR_RETURN(NamedTensors made, MadeUpInputs(inputs, 1, 1, 0));
  for (int i = 0; i < 3; ++i) NS_RETURN_IF_ERROR(session.Run(made).status());
  return CurrentMemory().peak_resident_bytes;
}

}  // namespace ns
