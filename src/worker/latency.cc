#include "worker/latency.h"

#include <algorithm>
#include <random>

#include "base/cpu.h"

namespace ns {

LatencyRun MakeLatencyRun(const LatencySettings& settings, const std::vector<int>& cores) {
  LatencyRun run;
  run.cores = cores.empty() ? UsableCores() : cores;
  run.threads = settings.threads > 0 ? settings.threads : static_cast<int>(run.cores.size());
  return run;
}

SessionOptions TimedSession(const LatencyRun& run) {
  SessionOptions options;
  options.threads = run.threads;
  // More threads than cores: let the system place them, and none wait busily, which ONNX Runtime's threads do unless told otherwise.
  if (static_cast<size_t>(run.threads) > run.cores.size()) return options;
  options.cores = run.cores;
  options.spinning = run.threads > 1;
  return options;
}

Result<std::vector<NamedTensors>> LatencyRows(const DataSet& data, std::span<const int64_t> rows, int64_t batch,
                                              size_t count) {
  batch = data.fixed_batch().value_or(batch);
  std::vector<NamedTensors> inputs;
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    std::vector<int64_t> chosen;
    for (int64_t row = 0; row < batch; ++row) chosen.push_back(rows[next++ % rows.size()]);
    NS_ASSIGN_OR_RETURN(Batch read, data.Read(chosen));
    inputs.push_back(std::move(read.inputs));
    if (next >= rows.size()) break;
  }
  return inputs;
}

namespace {

// Tensors that are larger are refused before anyone tries to get the memory.
constexpr double kMostMadeUpBytes = 1e12;

Result<Tensor> MadeUpTensor(const TensorSpec& spec, int64_t batch, int64_t free_size, std::mt19937_64& random) {
  Shape shape = spec.shape;
  auto bytes = static_cast<double>(DTypeSize(spec.dtype));
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0) shape[axis] = axis == 0 ? batch : free_size;
    bytes *= static_cast<double>(shape[axis]);
  }
  if (DTypeSize(spec.dtype) == 0) {
    return InvalidArgument(fmt::format("no values can be made up for input '{}' of {}; give --data", spec.name, DTypeName(spec.dtype)),
                           "NO_MADE_UP_INPUT");
  }
  if (bytes > kMostMadeUpBytes) {
    return InvalidArgument(fmt::format("input '{}' of shape {} is too large to make values up for it", spec.name, ShapeToString(shape)),
                           "NO_MADE_UP_INPUT");
  }
  Tensor tensor(spec.dtype, shape);
  auto fill = [&](auto one) {
    for (auto& value : tensor.mutable_values<decltype(one)>()) value = one;
  };
  switch (spec.dtype) {
    case DType::kFloat: {
      std::uniform_real_distribution<float> unit(0, 1);
      for (float& value : tensor.mutable_values<float>()) value = unit(random);
      break;
    }
    case DType::kInt64:
      fill(int64_t{1});
      break;
    case DType::kInt32:
      fill(int32_t{1});
      break;
    case DType::kUint8:
      fill(uint8_t{1});
      break;
    case DType::kBool:
      fill(true);
      break;
    default:
      break;  // zeros
  }
  return tensor;
}

}  // namespace

Result<NamedTensors> MadeUpInputs(std::span<const TensorSpec> inputs, int64_t batch, int64_t free_size, uint64_t seed) {
  std::mt19937_64 random(seed);
  NamedTensors made;
  for (const TensorSpec& spec : inputs) {
    NS_ASSIGN_OR_RETURN(made[spec.name], MadeUpTensor(spec, batch, free_size, random));
  }
  return made;
}

Result<NamedTensors> LongestInputs(const Session& session, std::span<const TensorSpec> inputs, int64_t batch, uint64_t seed, std::stop_token stop) {
  for (int64_t size = 128;; size /= 2) {
    NS_ASSIGN_OR_RETURN(NamedTensors made, MadeUpInputs(inputs, batch, size, seed));
    Status ran = session.Run(made, {}, stop).status();
    if (ran.ok()) return made;
    if (size == 1 || ran.code() == StatusCode::kCancelled) return ran;
  }
}

Result<std::vector<LatencyResult>> MeasureSessions(std::span<const Session* const> sessions,
                                                   std::span<const NamedTensors> rows, const LatencyRun& run,
                                                   ProgressSink& progress, std::stop_token stop) {
  LatencyOptions options;
  options.budget_seconds = run.budget_seconds;
  if (static_cast<size_t>(run.threads) <= run.cores.size()) options.pin_to_cores = {run.cores[0]};
  return MeasureLatency(sessions, rows, options, stop, &progress);
}

}  // namespace ns
