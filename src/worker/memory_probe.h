// Peak memory of running a model, measured in a process of its own: within one process a peak cannot be told from
// another's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "runtime/session.h"

namespace ns {

struct MemoryProbe {
  std::filesystem::path program;  // neural_solution_worker: it runs `measure-memory` (ProbeMain below)
  std::filesystem::path scratch;  // folder for the child's answer
  int threads = 1;
};

// Starts the child on `model`, with made-up inputs of the shapes of `like`, and returns its peak resident set in bytes.
// Internal (PROBE_FAILED) when the child fails; Cancelled when `stop` was asked for (the child is killed).
Result<uint64_t> MeasurePeakMemory(const MemoryProbe& probe, const std::filesystem::path& model,
                                   const NamedTensors& like, std::stop_token stop);

// What the child does: loads `model`, runs it three times on inputs of these shapes (by input name), returns the peak
// in bytes.
Result<uint64_t> RunForPeakMemory(const std::filesystem::path& model, const std::map<std::string, Shape>& shapes,
                                  int threads);

// "name=1,128" → name, {1, 128}; a scalar is "name=". InvalidArgument (BAD_SHAPE).
Result<std::pair<std::string, Shape>> ParseInputShape(const std::string& text);
std::string InputShapeToString(const std::string& name, const Shape& shape);

}  // namespace ns
