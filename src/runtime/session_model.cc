#include "runtime/session_model.h"

#include "graph/tensor_proto.h"
#include "graph/wire_write.h"

namespace ns {
namespace {

using ns_onnx::TensorProto;

// Weights below this are copied into the buffer: then they are aligned, and kernels that use them unpacked (bias, scales) are not slowed.
constexpr size_t kLeastInFile = size_t{64} << 10;
constexpr uint64_t kMostCopied = uint64_t{16} << 20;

// Whether ONNX Runtime can map the file; else it has to be given the bytes.
bool CanBeMapped(const std::filesystem::path& file, SessionModel& made) {
  if (made.stand_ins.contains(file) || !StandIn::IsNeeded(file)) return true;
  auto stand_in = StandIn::Create(file);
  if (stand_in.ok()) made.stand_ins.emplace(file, std::move(*stand_in));
  return stand_in.ok();
}

std::string BelowRoot(const std::filesystem::path& path) { return path.relative_path().string(); }

}  // namespace

Result<SessionModel> MakeSessionModel(const Model& given, bool self_contained) {
  SessionModel made;
  if (self_contained) {
    NS_ASSIGN_OR_RETURN(made.bytes, SerializeModel(given));
    return made;
  }
  Model model = given.Clone();
  uint64_t in_memory = model.InMemoryWeightBytes();
  if (in_memory > kMostCopied) {
    NS_RETURN_IF_ERROR(model.MoveWeightsToTemporaryFile());
    made.spilled = model.Clone();
    in_memory = 0;
  }
  ns_onnx::ModelProto& proto = model.mutable_proto();
  for (TensorProto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    const auto* weight = model.SharedWeight(tensor.name());
    if (weight == nullptr) continue;
    // With nothing in memory, every file is current.
    bool in_file = weight->bytes.size() >= kLeastInFile && (in_memory == 0 || weight->FileIsCurrent()) && CanBeMapped(weight->file, made);
    if (in_file) {
      SetExternalLocation(tensor, BelowRoot(weight->file), weight->file_offset, weight->bytes.size());
    } else {
      tensor.clear_external_data();
      tensor.clear_data_location();
      tensor.set_raw_data(weight->bytes.data(), weight->bytes.size());
    }
  }
  if (!proto.SerializeToString(&made.bytes)) return ResourceExhausted("the model's small weights are over 2 GiB together", "MODEL_TOO_LARGE");
  return made;
}

}  // namespace ns
