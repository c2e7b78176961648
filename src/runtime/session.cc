#include "runtime/session.h"

#include <algorithm>
#include <new>

#include "graph/tensor_proto.h"
#include "runtime/memory.h"
#include "runtime/ort.h"
#include "runtime/session_model.h"
#include "runtime/tap_operator.h"

namespace ns {

struct Session::State {
  Ort::Session session{nullptr};
  std::vector<TensorSpec> inputs, outputs;
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<TensorSpec>& Session::inputs() const { return state_->inputs; }
const std::vector<TensorSpec>& Session::outputs() const { return state_->outputs; }

namespace {

GraphOptimizationLevel LevelOf(GraphOptimization optimization) {
  switch (optimization) {
    case GraphOptimization::kNone: return ORT_DISABLE_ALL;
    case GraphOptimization::kBasic: return ORT_ENABLE_BASIC;
    case GraphOptimization::kExtended: return ORT_ENABLE_EXTENDED;
    case GraphOptimization::kAll: return ORT_ENABLE_ALL;
  }
  return ORT_ENABLE_ALL;
}

// ONNX Runtime counts processors from 1 and wants one entry for each thread but the caller's.
std::string Affinities(const SessionOptions& options) {
  std::string text;
  for (size_t i = 1; i < options.cores.size() && i < static_cast<size_t>(options.threads); ++i) {
    text += fmt::format("{}{}", i > 1 ? ";" : "", options.cores[i] + 1);
  }
  return text;
}

Ort::SessionOptions MakeOptions(const SessionOptions& options) {
  Ort::SessionOptions ort;
  ort.SetIntraOpNumThreads(options.threads);
  ort.SetInterOpNumThreads(1);
  ort.SetExecutionMode(ORT_SEQUENTIAL);
  ort.SetGraphOptimizationLevel(LevelOf(options.optimization));
  ort.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  if (!options.memory_arena) ort.DisableCpuMemArena();
  if (!options.memory_pattern) ort.DisableMemPattern();
  if (options.tap_operator) ort.Add(TapDomain());
  if (!options.save_optimized_to.empty()) ort.SetOptimizedModelFilePath(options.save_optimized_to.c_str());
  if (!options.profile_prefix.empty()) ort.EnableProfiling(options.profile_prefix.c_str());
  if (options.save_weights_beside) {
    ort.AddConfigEntry("session.optimized_model_external_initializers_file_name", (options.save_optimized_to.filename().string() + ".data").c_str());
    ort.AddConfigEntry("session.optimized_model_external_initializers_min_size_in_bytes", "65536");
  }
  ort.AddConfigEntry("session.intra_op.allow_spinning", options.spinning ? "1" : "0");
  if (options.spinning) ort.AddConfigEntry("session.force_spinning_stop", "1");  // between runs another session has the cores
  ort.AddConfigEntry("session.model_external_initializers_file_folder_path", SessionModel::kFolder);
  if (options.threads > 1 && options.cores.size() >= static_cast<size_t>(options.threads)) {
    ort.AddConfigEntry("session.intra_op_thread_affinities", Affinities(options).c_str());
  }
  for (const auto& [key, value] : options.config) ort.AddConfigEntry(key.c_str(), value.c_str());
  return ort;
}

// ONNX Runtime cannot tell an output of unknown rank from a scalar, so the model's own words come first.
std::vector<TensorSpec> OutputSpecs(const Model& model, const Ort::Session& session) {
  std::vector<TensorSpec> specs = model.outputs();
  for (size_t i = 0; i < specs.size() && i < session.GetOutputCount(); ++i) {
    Ort::TypeInfo type = session.GetOutputTypeInfo(i);
    if (specs[i].has_shape || type.GetONNXType() != ONNX_TYPE_TENSOR) continue;
    auto info = type.GetTensorTypeAndShapeInfo();
    specs[i].dtype = DTypeFromOnnx(static_cast<int32_t>(info.GetElementType()));
    specs[i].shape = info.GetShape();
    specs[i].has_shape = !specs[i].shape.empty();
  }
  return specs;
}

std::string Describe(DType dtype, std::span<const int64_t> shape) { return fmt::format("{}{}", DTypeName(dtype), ShapeToString(shape)); }

Status CheckInput(const TensorSpec& spec, const Tensor& tensor) {
  auto mismatch = [&](const char* reason) {
    return InvalidArgument(fmt::format("input '{}' is {}, the model expects {}", spec.name, Describe(tensor.dtype(), tensor.shape()),
                                       spec.has_shape ? Describe(spec.dtype, spec.shape) : std::string(DTypeName(spec.dtype))),
                           reason);
  };
  if (tensor.dtype() != spec.dtype) return mismatch("INPUT_TYPE");
  if (!spec.has_shape) return OkStatus();
  if (tensor.shape().size() != spec.shape.size()) return mismatch("INPUT_SHAPE");
  for (size_t i = 0; i < spec.shape.size(); ++i)
    if (spec.shape[i] >= 0 && spec.shape[i] != tensor.shape()[i]) return mismatch("INPUT_SHAPE");
  return OkStatus();
}

const TensorSpec* FindSpec(const std::vector<TensorSpec>& specs, const std::string& name) {
  auto found = std::find_if(specs.begin(), specs.end(), [&](const TensorSpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

std::string Names(const std::vector<TensorSpec>& specs) {
  std::string text;
  for (const TensorSpec& spec : specs) text += fmt::format("{}'{}'", text.empty() ? "" : ", ", spec.name);
  return text;
}

Status CheckInputs(const std::vector<TensorSpec>& specs, const NamedTensors& inputs) {
  for (const TensorSpec& spec : specs) {
    auto given = inputs.find(spec.name);
    if (given == inputs.end()) return InvalidArgument(fmt::format("input '{}' of the model is not given", spec.name), "MISSING_INPUT");
    NS_RETURN_IF_ERROR(CheckInput(spec, given->second));
  }
  for (const auto& [name, tensor] : inputs) {
    if (FindSpec(specs, name) == nullptr) {
      return InvalidArgument(fmt::format("the model has no input '{}'; its inputs are {}", name, Names(specs)), "UNKNOWN_INPUT");
    }
  }
  return OkStatus();
}

}  // namespace

Result<Session> Session::FromModel(const Model& model, const SessionOptions& options) {
  NS_ASSIGN_OR_RETURN(SessionModel made, MakeSessionModel(model, !options.save_optimized_to.empty() && !options.save_weights_beside));
  try {
    auto state = std::make_unique<State>();
    state->session = Ort::Session(OrtEnvironment(), made.bytes.data(), made.bytes.size(), MakeOptions(options));
    // Graph optimization frees as much as the weights have; the C library would keep it.
    if (model.WeightBytes() > (uint64_t{16} << 20)) ReleaseFreeMemory();
    state->inputs = model.inputs();
    state->outputs = OutputSpecs(model, state->session);
    return Session(std::move(state));
  } catch (const Ort::Exception& error) {
    return LoadStatus(error);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("loading the model into ONNX Runtime");
  }
}

Result<Session> Session::FromFile(const std::filesystem::path& file, const SessionOptions& options) {
  NS_ASSIGN_OR_RETURN(Model model, Model::Load(file));
  auto session = FromModel(model, options);
  if (!session.ok()) return session.status().WithContext(fmt::format("model '{}'", file.string()));
  return session;
}

Result<std::vector<Tensor>> Session::Run(const NamedTensors& inputs, std::span<const std::string> output_names, std::stop_token stop) const {
  NS_RETURN_IF_ERROR(CheckInputs(state_->inputs, inputs));
  std::vector<const char*> in_names, out_names;
  for (const std::string& name : output_names) {
    if (FindSpec(state_->outputs, name) == nullptr) {
      return InvalidArgument(fmt::format("the model has no output '{}'; its outputs are {}", name, Names(state_->outputs)), "UNKNOWN_OUTPUT");
    }
    out_names.push_back(name.c_str());
  }
  if (output_names.empty())
    for (const TensorSpec& spec : state_->outputs) out_names.push_back(spec.name.c_str());
  if (stop.stop_requested()) return Cancelled();
  try {
    std::vector<Ort::Value> values;
    for (const auto& [name, tensor] : inputs) {
      in_names.push_back(name.c_str());
      values.push_back(ValueOver(tensor.view()));
    }
    Ort::RunOptions run;
    std::stop_callback terminate(stop, [&run] { run.SetTerminate(); });
    // Ort::Session::Run is not const, but ONNX Runtime documents it as safe to call from several threads.
    std::vector<Ort::Value> results =
        state_->session.Run(run, in_names.data(), values.data(), values.size(), out_names.data(), out_names.size());
    std::vector<Tensor> outputs;
    for (size_t i = 0; i < results.size(); ++i) {
      NS_ASSIGN_OR_RETURN(Tensor tensor, TensorOwning(std::move(results[i]), out_names[i]));
      outputs.push_back(std::move(tensor));
    }
    return outputs;
  } catch (const Ort::Exception& error) {
    return stop.stop_requested() ? Cancelled() : RunStatus(error);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("running the model");
  }
}

}  // namespace ns
