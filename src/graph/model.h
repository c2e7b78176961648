// An ONNX model whose big weights stay where they are: in the mapped model file, in mapped external data files, or in a shared Tensor.
//
// The protobuf holds the structure and the small initializers. An initializer with kSharedWeightBytes or more has no data in the
// protobuf: there it is marked as external data with the location "#shared" (a name that onnx's checker lets pass and that shape
// inference does not follow), and its bytes are in a table beside the protobuf. So loading, copying and rewriting a model costs the size
// of its structure, whatever the size of its weights.
//
// What Load() and FromProto() normalize, so that passes have one form to look at:
//  - Constant nodes of the main graph become initializers (those that hold strings or sparse tensors, or feed a graph output, stay);
//  - initializers are constants: one that is also a graph input is no longer an input;
//  - data in float_data, int32_data, ... becomes plain bytes;
//  - IR versions below 4 become 4; those above the newest that the runtime reads become that one (nothing we keep depends on it).
// Subgraphs (bodies of If, Loop, Scan) and model-local functions are left as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "onnx/onnx_pb.h"

namespace ns {

inline constexpr int64_t kOldestOpset = 11;
inline constexpr int64_t kNewestOpset = 24;    // of onnx 1.19; ONNX Runtime 1.27 runs more
inline constexpr int64_t kNewestIrVersion = 10;  // that ONNX Runtime 1.21 reads
inline constexpr size_t kSharedWeightBytes = 1024;

struct LoadOptions {
  // Bytes of the file that are structure (all but big weights): a limit for hostile files, which grow to many times that in memory.
  uint64_t max_structure_bytes = uint64_t{256} << 20;
  // Run onnx's checker. Off only for files of ours that were checked when they were made.
  bool check = true;
};

// Tells one file from another that took its path later.
struct FileIdentity {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0;
  // All zero when there is no such file.
  static FileIdentity Of(const std::filesystem::path& path);
  bool operator==(const FileIdentity&) const = default;
};

struct SaveOptions {
  // Put the big weights into a file beside the model, `<file name>.data`, even if a single file would do.
  bool external_data = false;
  // A larger model always is saved so: protobuf's readers stop at 2^31-1 bytes. Tests set less.
  uint64_t max_inline_bytes = 1'900'000'000;
};

// Movable. Const methods may run in parallel; changes need exclusive access.
class Model {
 public:
  // Maps the file and reads its structure. The file and its external data must stay unchanged while the model (or a Tensor from it) lives.
  // External data is read only from files below the model's folder, links included.
  // NotFound (MODEL_NOT_FOUND); InvalidArgument (EMPTY_MODEL, TRUNCATED_MODEL, NOT_ONNX, NO_GRAPH, BAD_TENSOR, EXTERNAL_DATA_MISSING,
  // EXTERNAL_DATA_SHORT, EXTERNAL_DATA_OUTSIDE, INVALID_MODEL); FailedPrecondition (OPSET_TOO_OLD, OPSET_TOO_NEW, IR_TOO_NEW);
  // ResourceExhausted (MODEL_TOO_LARGE). Each message names the file, the tensor or node at fault, and what to do.
  static Result<Model> Load(const std::filesystem::path& file, const LoadOptions& options = {});

  // From onnx's text form (onnx/docs/Syntax.md), as tests write models. InvalidArgument (BAD_MODEL_TEXT), else as FromProto().
  static Result<Model> FromText(std::string_view text);
  // From a protobuf in memory, which must not use external data. Errors as Load().
  static Result<Model> FromProto(ns_onnx::ModelProto proto, const LoadOptions& options = {});

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();
  // The same structure, copied, and the same weights, shared.
  Model Clone() const;

  // The structure. Big initializers have no data in it: use Weight().
  const ns_onnx::ModelProto& proto() const { return *proto_; }
  const ns_onnx::GraphProto& graph() const { return proto_->graph(); }
  // Nodes, inputs, outputs and value_info may be edited freely; initializers only by SetWeight(), RemoveWeight() and their kin.
  // Take new names from UniqueName().
  ns_onnx::GraphProto& mutable_graph() { return *proto_->mutable_graph(); }
  ns_onnx::ModelProto& mutable_proto() { return *proto_; }

  // Version of the default domain's operator set; of `domain`'s, 0 when the model does not import it. "" and "ai.onnx" are the same.
  int64_t opset() const { return OpsetOf(""); }
  int64_t OpsetOf(std::string_view domain) const;
  // Declares that the model uses `domain` at `version`, replacing what it said before. Changes no node.
  void SetOpset(std::string_view domain, int64_t version);

  // In the model's order. Values that are not tensors (sequences, maps, optionals) have dtype kUndefined and no shape.
  std::vector<TensorSpec> inputs() const;
  std::vector<TensorSpec> outputs() const;

  // Weights are the main graph's initializers, wherever their bytes are.
  bool HasWeight(std::string_view name) const { return weight_index_.contains(std::string(name)); }
  // Names in the graph's order.
  std::vector<std::string> WeightNames() const;
  // Its type and shape without its data. NotFound (NO_WEIGHT).
  Result<TensorSpec> WeightSpec(std::string_view name) const;
  // Its elements. Shares the memory that holds them where they are aligned for their type; else (an arbitrary offset in a file) the
  // Tensor is a copy made for this call. NotFound (NO_WEIGHT); Unimplemented (WEIGHT_TYPE) for strings and types under 8 bits.
  Result<Tensor> Weight(std::string_view name) const;
  // Adds or replaces. Shares the tensor's memory when it is big: do not change it afterwards.
  void SetWeight(std::string_view name, Tensor tensor);
  // Adds or replaces by `other`'s weight of that name, sharing its memory, of whatever type. NotFound (NO_WEIGHT).
  Status CopyWeightFrom(const Model& other, std::string_view name);
  // False when there is none. Uses of the name are not looked at.
  bool RemoveWeight(std::string_view name);
  // Keeps those for which `keep` says so: one sweep, for the removal of many.
  template <typename Keep>
  int KeepWeightsIf(Keep keep) {
    std::unordered_set<std::string> gone;
    for (const auto& tensor : graph().initializer())
      if (!keep(tensor.name())) gone.insert(tensor.name());
    return RemoveWeights(gone);
  }
  int RemoveWeights(const std::unordered_set<std::string>& names);
  // Bytes of all weights' elements.
  uint64_t WeightBytes() const;

  // Where a weight's bytes are, for a runtime that reads them itself.
  struct WeightBytesView {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
    std::filesystem::path file;  // the mapped file that holds them, as an absolute path valid in this process; empty: only in memory
    uint64_t file_offset = 0;    // valid when `file` is not empty
    FileIdentity file_identity;  // of `file` when it was mapped
    // True when `file` is not empty and its path still leads to the file that was mapped: it was neither replaced nor written to.
    bool FileIsCurrent() const;
  };
  // None for a small weight, whose data is in proto().
  const WeightBytesView* SharedWeight(std::string_view name) const;

  // Tells the kernel that mapped weights are not needed in memory for now; touching them reads them again.
  void DropWeightPages() const;
  void DropWeightPages(std::string_view name) const;

  // Writes the big weights that are only in memory (or whose file was replaced) into new files, one a thread, on the file system of `folder`
  // (empty: the system's temporary folder), each on a page, and uses them from there, mapped: memory becomes what the kernel can drop, and
  // sessions read the weights in place. A file has no name in any folder and goes with the last weight that uses it, or with the
  // process, however that ends; WeightBytesView::file is the descriptor's, below /proc/self. It is not synced.
  // ResourceExhausted (DISK_FULL), errors of the folder: nothing is left behind and the model is unchanged.
  Status MoveWeightsToTemporaryFile(const std::filesystem::path& folder = {});
  // Bytes of big weights that MoveWeightsToTemporaryFile() would move.
  uint64_t InMemoryWeightBytes() const;

  // `base`, or `base_1`, `base_2`, ...: a name that no value, node or weight of the model has (subgraphs included) and that was not
  // handed out before.
  std::string UniqueName(std::string_view base);

  // Checks the structure by onnx's checker and each weight's byte count. InvalidArgument (INVALID_MODEL, BAD_TENSOR).
  Status Verify() const;

  // Writes a temporary neighbour, syncs and renames it: a reader sees the old file or the whole new one. Weights are streamed.
  // External data gets a name that no file has (`<file name>.data`, else `<file name>.1.data`, ...) and is there before the model that refers
  // to it, and only then do earlier files of that kind go: a reader finds the old model with its data or the new one with its own.
  // ResourceExhausted (DISK_FULL) and other failures leave nothing behind.
  Status Save(const std::filesystem::path& file, const SaveOptions& options = {}) const;

  // What was normalized or remarkable on the way in, for a report; one sentence each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Model();
  friend class ModelLoader;

  void RebuildIndex();

  std::unique_ptr<ns_onnx::ModelProto> proto_;
  std::unordered_map<std::string, WeightBytesView> shared_;   // big weights by name
  std::unordered_map<std::string, int> weight_index_;         // position in graph().initializer()
  std::unordered_set<std::string> names_;                     // taken; filled at the first UniqueName()
  std::vector<std::string> notes_;
};

// Name, type and shape of a value_info entry; kUndefined without shape for values that are not tensors.
TensorSpec SpecOf(const ns_onnx::ValueInfoProto& info);

}  // namespace ns
