// Model::Load, FromText and FromProto: from bytes to the one form that model.h promises.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "graph/checker.h"
#include "graph/constants.h"
#include "graph/external_data.h"
#include "graph/file_kind.h"
#include "graph/model.h"
#include "graph/subgraphs.h"
#include "graph/tensor_proto.h"
#include "graph/wire_scan.h"
#include "onnx/defs/parser.h"

namespace ns {

namespace fs = std::filesystem;
using ns_onnx::GraphProto;
using ns_onnx::ModelProto;
using ns_onnx::NodeProto;
using ns_onnx::TensorProto;

void MarkShared(TensorProto& proto);  // model.cc

class ModelLoader {
 public:
  explicit ModelLoader(fs::path folder) : external_(std::move(folder)) {}

  static Result<Model> FromFile(const fs::path& file, const LoadOptions& options);
  Result<Model> FromProto(ModelProto proto, const LoadOptions& options);

 private:
  Status CheckVersions();
  void NormalizeVersions();
  Status ConstantsToWeights();
  void InputsToConstants();
  Status PlaceWeights();
  Status PlaceWeight(TensorProto& tensor);
  Result<Model::WeightBytesView> FindBytes(const TensorProto& tensor);
  // A mapped file's canonical path and identity, asked for once a file.
  struct NamedFile {
    fs::path path;
    FileIdentity identity;
  };
  Result<const NamedFile*> NameOf(const MappedFile& file);
  Status InlineNestedTensors(GraphProto& graph);
  Status Inline(TensorProto& tensor);

  ExternalData external_;
  std::shared_ptr<const MappedFile> file_;                // none for a model in memory
  std::map<const MappedFile*, NamedFile> names_;
  std::vector<std::span<const std::byte>> taken_out_;     // by the wire scan, into file_
  Model model_;
};

namespace {

// "#12": the 12th tensor that the wire scan took out.
std::optional<size_t> MarkOf(const TensorProto& tensor) {
  if (tensor.data_location() != TensorProto::EXTERNAL || tensor.external_data_size() != 1) return std::nullopt;
  const std::string& mark = tensor.external_data(0).value();
  size_t index = 0;
  if (mark.size() < 2 || mark[0] != '#') return std::nullopt;
  auto [end, error] = std::from_chars(mark.data() + 1, mark.data() + mark.size(), index);
  if (error != std::errc() || end != mark.data() + mark.size()) return std::nullopt;
  return index;
}

void PlainDomains(GraphProto& graph) {
  auto plain = [](GraphProto& g) {
    for (NodeProto& node : *g.mutable_node())
      if (node.domain() == "ai.onnx") node.clear_domain();
  };
  plain(graph);
  ForEachSubgraph(graph, plain);
}

}  // namespace

Status ModelLoader::CheckVersions() {
  const ModelProto& proto = model_.proto();
  if (!proto.has_graph() || (proto.graph().node_size() == 0 && proto.graph().output_size() == 0)) {
    return InvalidArgument("it holds no graph: export the model again", "NO_GRAPH");
  }
  if (proto.ir_version() > ns_onnx::IR_VERSION) {
    return FailedPrecondition(fmt::format("its IR version {} is newer than {}, the newest known here: export it with an older onnx (ir_version 10)",
                                          proto.ir_version(), static_cast<int64_t>(ns_onnx::IR_VERSION)),
                              "IR_TOO_NEW");
  }
  int64_t opset = model_.opset();
  if (opset == 0 && proto.opset_import_size() > 0) return OkStatus();  // uses other domains only
  if (opset < kOldestOpset) {
    return FailedPrecondition(fmt::format("its opset {} is older than {}: export it with opset 17, or convert it with onnx.version_converter",
                                          opset, kOldestOpset),
                              "OPSET_TOO_OLD");
  }
  if (opset > kNewestOpset) {
    return FailedPrecondition(fmt::format("its opset {} is newer than {}, the newest that the runtime runs: export it with opset {} or older",
                                          opset, kNewestOpset, kNewestOpset),
                              "OPSET_TOO_NEW");
  }
  return OkStatus();
}

void ModelLoader::NormalizeVersions() {
  ModelProto& proto = model_.mutable_proto();
  int64_t was = proto.ir_version();
  int64_t now = std::clamp<int64_t>(was, 4, kNewestIrVersion);
  if (was != now) model_.notes_.push_back(fmt::format("IR version {} was written as {}", was, now));
  proto.set_ir_version(now);
  for (auto& import : *proto.mutable_opset_import())
    if (import.domain() == "ai.onnx") import.clear_domain();
  PlainDomains(*proto.mutable_graph());
}

// An initializer that is also an input could be overridden by the caller; nobody does, and a constant can be folded and quantized.
void ModelLoader::InputsToConstants() {
  model_.RebuildIndex();
  auto* inputs = model_.mutable_graph().mutable_input();
  int kept = 0;
  for (int i = 0; i < inputs->size(); ++i) {
    if (model_.HasWeight(inputs->Get(i).name())) continue;
    if (kept != i) inputs->SwapElements(kept, i);
    ++kept;
  }
  int dropped = inputs->size() - kept;
  inputs->DeleteSubrange(kept, dropped);
  if (dropped > 0) model_.notes_.push_back(fmt::format("{} inputs with default values became constants", dropped));
}

Status ModelLoader::ConstantsToWeights() {
  GraphProto& graph = model_.mutable_graph();
  std::unordered_set<std::string> outputs;
  for (const auto& info : graph.output()) outputs.insert(info.name());
  auto* nodes = graph.mutable_node();
  int kept = 0;
  for (int i = 0; i < nodes->size(); ++i) {
    NodeProto* node = nodes->Mutable(i);
    std::optional<TensorProto> constant;
    if (node->output_size() == 1 && !outputs.contains(node->output(0))) constant = TakeConstant(*node);
    if (constant) {
      constant->set_name(node->output(0));
      *graph.add_initializer() = std::move(*constant);
      continue;
    }
    if (kept != i) nodes->SwapElements(kept, i);
    ++kept;
  }
  nodes->DeleteSubrange(kept, nodes->size() - kept);
  return OkStatus();
}

Result<const ModelLoader::NamedFile*> ModelLoader::NameOf(const MappedFile& file) {
  auto [found, is_new] = names_.try_emplace(&file);
  if (is_new) {
    std::error_code error;
    found->second.path = fs::canonical(file.path(), error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot resolve '{}'", file.path().string()));
    found->second.identity = FileIdentity::Of(found->second.path);
  }
  return &found->second;
}

Result<Model::WeightBytesView> ModelLoader::FindBytes(const TensorProto& tensor) {
  Model::WeightBytesView found;
  std::shared_ptr<const MappedFile> file = file_;
  if (std::optional<size_t> mark = MarkOf(tensor)) {
    if (*mark >= taken_out_.size()) {
      return InvalidArgument(fmt::format("tensor '{}' has its data in '#{}', which is no file", tensor.name(), *mark), "EXTERNAL_DATA_OUTSIDE");
    }
    found.bytes = taken_out_[*mark];
    found.file_offset = static_cast<uint64_t>(found.bytes.data() - file_->bytes().data());
  } else {
    NS_ASSIGN_OR_RETURN(ExternalBytes external, external_.Find(tensor));
    found.bytes = external.bytes;
    found.file_offset = external.offset;
    file = external.file;
  }
  NS_ASSIGN_OR_RETURN(const NamedFile* named, NameOf(*file));
  found.file = named->path;
  found.file_identity = named->identity;
  found.owner = file;
  NS_ASSIGN_OR_RETURN(uint64_t expected, RawByteSize(tensor));
  if (found.bytes.size() != expected) {
    return InvalidArgument(fmt::format("tensor '{}' ({}) holds {} bytes, its shape needs {}: the model file is damaged; export it again",
                                       tensor.name(), DescribeTensor(tensor), found.bytes.size(), expected),
                           "BAD_TENSOR");
  }
  return found;
}

Status ModelLoader::Inline(TensorProto& tensor) {
  NS_ASSIGN_OR_RETURN(Model::WeightBytesView found, FindBytes(tensor));
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.set_raw_data(found.bytes.data(), found.bytes.size());
  return OkStatus();
}

Status ModelLoader::PlaceWeight(TensorProto& tensor) {
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    NS_ASSIGN_OR_RETURN(Model::WeightBytesView found, FindBytes(tensor));
    if (found.bytes.size() < kSharedWeightBytes) return Inline(tensor);
    model_.shared_[tensor.name()] = std::move(found);
    MarkShared(tensor);
    return OkStatus();
  }
  NS_RETURN_IF_ERROR(MoveToRawData(tensor));
  if (tensor.raw_data().size() < kSharedWeightBytes) return OkStatus();
  auto owner = std::make_shared<std::string>(std::move(*tensor.mutable_raw_data()));
  model_.shared_[tensor.name()] = Model::WeightBytesView{std::as_bytes(std::span<const char>(*owner)), owner, {}, 0, {}};
  MarkShared(tensor);
  return OkStatus();
}

Status ModelLoader::PlaceWeights() {
  std::unordered_set<std::string_view> seen;
  for (TensorProto& tensor : *model_.mutable_graph().mutable_initializer()) {
    if (!seen.insert(tensor.name()).second) {
      return InvalidArgument(fmt::format("it has two initializers named '{}': export the model again", tensor.name()), "INVALID_MODEL");
    }
    NS_RETURN_IF_ERROR(PlaceWeight(tensor));
  }
  return OkStatus();
}

// Tensors in attributes and subgraphs have their data with them: nothing but the main graph's weights is shared.
Status ModelLoader::InlineNestedTensors(GraphProto& graph) {
  for (NodeProto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t() && attribute.t().data_location() == TensorProto::EXTERNAL) NS_RETURN_IF_ERROR(Inline(*attribute.mutable_t()));
      for (TensorProto& tensor : *attribute.mutable_tensors())
        if (tensor.data_location() == TensorProto::EXTERNAL) NS_RETURN_IF_ERROR(Inline(tensor));
    }
  }
  Status status;
  ForEachSubgraph(graph, [&](GraphProto& subgraph) {
    for (TensorProto& tensor : *subgraph.mutable_initializer())
      if (status.ok() && tensor.data_location() == TensorProto::EXTERNAL) status = Inline(tensor);
    for (NodeProto& node : *subgraph.mutable_node())
      for (auto& attribute : *node.mutable_attribute())
        if (status.ok() && attribute.has_t() && attribute.t().data_location() == TensorProto::EXTERNAL) status = Inline(*attribute.mutable_t());
  });
  return status;
}

Result<Model> ModelLoader::FromProto(ModelProto proto, const LoadOptions& options) {
  *model_.proto_ = std::move(proto);
  NS_RETURN_IF_ERROR(CheckVersions());
  NormalizeVersions();
  NS_RETURN_IF_ERROR(ConstantsToWeights());
  NS_RETURN_IF_ERROR(InlineNestedTensors(model_.mutable_graph()));
  NS_RETURN_IF_ERROR(PlaceWeights());
  InputsToConstants();
  if (options.check) NS_RETURN_IF_ERROR(model_.Verify());
  if (options.check) NS_RETURN_IF_ERROR(CheckNames(model_.graph()));
  return std::move(model_);
}

Result<Model> ModelLoader::FromFile(const fs::path& file, const LoadOptions& options) {
  std::error_code error;
  if (!fs::exists(file, error)) return NotFound("there is no such file: check the path", "MODEL_NOT_FOUND");
  NS_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(file));
  if (mapped->bytes().empty()) return InvalidArgument("the file is empty: export or copy the model again", "EMPTY_MODEL");
  if (std::string kind = ForeignFileKind(mapped->bytes()); !kind.empty()) {
    return InvalidArgument(fmt::format("not an ONNX model but {}", kind), "NOT_ONNX");
  }
  NS_ASSIGN_OR_RETURN(ReducedModel reduced, ReduceModel(mapped->bytes(), kSharedWeightBytes, options.max_structure_bytes));
  ModelProto proto;
  if (!proto.ParseFromString(reduced.structure)) {
    return InvalidArgument("not an ONNX model: its bytes are no ONNX protobuf message", "NOT_ONNX");
  }
  if (proto.ir_version() == 0 && !proto.has_graph()) return InvalidArgument("not an ONNX model: neither version nor graph in it", "NOT_ONNX");
  ModelLoader loader(fs::absolute(file, error).parent_path());
  loader.file_ = std::move(mapped);
  loader.taken_out_ = std::move(reduced.tensors);
  reduced.structure = {};
  auto model = loader.FromProto(std::move(proto), options);
  if (model.ok()) model->DropWeightPages();  // reading ahead brought many of them in
  return model;
}

Result<Model> Model::Load(const fs::path& file, const LoadOptions& options) {
  auto model = ModelLoader::FromFile(file, options);
  if (!model.ok()) return model.status().WithContext(fmt::format("cannot load model '{}'", file.string()));
  return model;
}

Result<Model> Model::FromProto(ModelProto proto, const LoadOptions& options) {
  return ModelLoader({}).FromProto(std::move(proto), options);
}

Result<Model> Model::FromText(std::string_view text) {
  ModelProto proto;
  auto status = ns_onnx::OnnxParser::Parse(proto, std::string(text).c_str());
  if (!status.IsOK()) return InvalidArgument("cannot parse the model's text: " + OneLine(status.ErrorMessage()), "BAD_MODEL_TEXT");
  return FromProto(std::move(proto));
}

}  // namespace ns
