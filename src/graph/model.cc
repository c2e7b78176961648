#include "graph/model.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "graph/checker.h"
#include "graph/subgraphs.h"
#include "graph/tensor_proto.h"

namespace ns {

using ns_onnx::GraphProto;
using ns_onnx::TensorProto;

FileIdentity FileIdentity::Of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
}

bool Model::WeightBytesView::FileIsCurrent() const { return !file.empty() && FileIdentity::Of(file) == file_identity; }

Model::Model() : proto_(std::make_unique<ns_onnx::ModelProto>()) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::Clone() const {
  Model copy;
  *copy.proto_ = *proto_;
  copy.shared_ = shared_;
  copy.weight_index_ = weight_index_;
  copy.names_ = names_;
  copy.notes_ = notes_;
  return copy;
}

int64_t Model::OpsetOf(std::string_view domain) const {
  for (const auto& import : proto_->opset_import())
    if (import.domain() == (domain == "ai.onnx" ? "" : domain)) return import.version();
  return 0;
}

void Model::SetOpset(std::string_view domain, int64_t version) {
  if (domain == "ai.onnx") domain = "";
  for (auto& import : *proto_->mutable_opset_import()) {
    if (import.domain() == domain) {
      import.set_version(version);
      return;
    }
  }
  auto* import = proto_->add_opset_import();
  import->set_domain(std::string(domain));
  import->set_version(version);
}

TensorSpec SpecOf(const ns_onnx::ValueInfoProto& info) {
  TensorSpec spec;
  spec.name = info.name();
  spec.has_shape = false;
  if (!info.type().has_tensor_type()) return spec;
  const auto& type = info.type().tensor_type();
  spec.dtype = DTypeFromOnnx(type.elem_type());
  spec.has_shape = type.has_shape();
  for (const auto& dim : type.shape().dim()) {
    spec.shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    spec.dimension_names.push_back(dim.dim_param());
  }
  return spec;
}

std::vector<TensorSpec> Model::inputs() const {
  std::vector<TensorSpec> specs;
  for (const auto& info : graph().input())
    if (!HasWeight(info.name())) specs.push_back(SpecOf(info));
  return specs;
}

std::vector<TensorSpec> Model::outputs() const {
  std::vector<TensorSpec> specs;
  for (const auto& info : graph().output()) specs.push_back(SpecOf(info));
  return specs;
}

void Model::RebuildIndex() {
  weight_index_.clear();
  for (int i = 0; i < graph().initializer_size(); ++i) weight_index_[graph().initializer(i).name()] = i;
}

std::vector<std::string> Model::WeightNames() const {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(graph().initializer_size()));
  for (const auto& tensor : graph().initializer()) names.push_back(tensor.name());
  return names;
}

namespace {
Status NoWeight(std::string_view name) { return NotFound(fmt::format("the model has no weight '{}'", name), "NO_WEIGHT"); }
}  // namespace

Result<TensorSpec> Model::WeightSpec(std::string_view name) const {
  auto found = weight_index_.find(std::string(name));
  if (found == weight_index_.end()) return NoWeight(name);
  const TensorProto& proto = graph().initializer(found->second);
  TensorSpec spec;
  spec.name = proto.name();
  spec.dtype = DTypeFromOnnx(proto.data_type());
  spec.shape = DimsOf(proto);
  return spec;
}

const Model::WeightBytesView* Model::SharedWeight(std::string_view name) const {
  auto found = shared_.find(std::string(name));
  return found == shared_.end() ? nullptr : &found->second;
}

Result<Tensor> Model::Weight(std::string_view name) const {
  auto found = weight_index_.find(std::string(name));
  if (found == weight_index_.end()) return NoWeight(name);
  const TensorProto& proto = graph().initializer(found->second);
  const WeightBytesView* shared = SharedWeight(name);
  if (shared == nullptr) return FromTensorProto(proto);
  DType dtype = DTypeFromOnnx(proto.data_type());
  if (DTypeSize(dtype) == 0) {
    return Status(StatusCode::kUnimplemented, fmt::format("weight '{}' ({}) has no plain elements", name, DescribeTensor(proto)), "WEIGHT_TYPE");
  }
  if (reinterpret_cast<uintptr_t>(shared->bytes.data()) % DTypeSize(dtype) != 0) {
    Tensor copy(dtype, DimsOf(proto));
    std::memcpy(copy.mutable_data(), shared->bytes.data(), shared->bytes.size());
    return copy;
  }
  return Tensor(TensorView{dtype, DimsOf(proto), shared->bytes.data()}, shared->owner);
}

namespace {

// Only whole pages, and only of a file: a page of plain memory would come back as zeros.
void DropPages(const Model::WeightBytesView& weight) {
  if (weight.file.empty()) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto first = (reinterpret_cast<uintptr_t>(weight.bytes.data()) + page - 1) / page * page;
  auto last = reinterpret_cast<uintptr_t>(weight.bytes.data() + weight.bytes.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace

void MarkShared(TensorProto& proto) {
  proto.clear_raw_data();
  proto.clear_external_data();
  proto.set_data_location(TensorProto::EXTERNAL);
  auto* entry = proto.add_external_data();
  entry->set_key("location");
  entry->set_value("#shared");
}

void Model::SetWeight(std::string_view name, Tensor tensor) {
  NS_CHECK(DTypeSize(tensor.dtype()) > 0, "weight '{}' of {}", name, DTypeName(tensor.dtype()));
  std::string key(name);
  auto found = weight_index_.find(key);
  TensorProto* proto = nullptr;
  if (found != weight_index_.end()) {
    proto = mutable_graph().mutable_initializer(found->second);
    proto->Clear();
    shared_.erase(key);
  } else {
    weight_index_[key] = graph().initializer_size();
    proto = mutable_graph().add_initializer();
    if (!names_.empty()) names_.insert(key);
  }
  SetTensorHeader(name, tensor, *proto);
  if (tensor.byte_size() < kSharedWeightBytes) {
    proto->set_raw_data(tensor.data(), tensor.byte_size());
    return;
  }
  MarkShared(*proto);
  auto owner = std::make_shared<Tensor>(std::move(tensor));
  shared_[key] = WeightBytesView{owner->view().bytes(), owner, {}, 0, {}};
}

Status Model::CopyWeightFrom(const Model& other, std::string_view name) {
  std::string key(name);
  auto found = other.weight_index_.find(key);
  if (found == other.weight_index_.end()) return NoWeight(name);
  auto [position, is_new] = weight_index_.try_emplace(key, graph().initializer_size());
  TensorProto* proto = is_new ? mutable_graph().add_initializer() : mutable_graph().mutable_initializer(position->second);
  *proto = other.graph().initializer(found->second);
  shared_.erase(key);
  if (const WeightBytesView* shared = other.SharedWeight(name)) shared_[key] = *shared;
  if (!names_.empty()) names_.insert(key);
  return OkStatus();
}

bool Model::RemoveWeight(std::string_view name) { return RemoveWeights({std::string(name)}) > 0; }

int Model::RemoveWeights(const std::unordered_set<std::string>& names) {
  auto* weights = mutable_graph().mutable_initializer();
  int kept = 0;
  for (int i = 0; i < weights->size(); ++i) {
    if (names.contains(weights->Get(i).name())) {
      shared_.erase(weights->Get(i).name());
      continue;
    }
    if (kept != i) weights->SwapElements(kept, i);
    ++kept;
  }
  int removed = weights->size() - kept;
  if (removed == 0) return 0;
  weights->DeleteSubrange(kept, removed);
  RebuildIndex();
  return removed;
}

uint64_t Model::WeightBytes() const {
  uint64_t total = 0;
  for (const auto& tensor : graph().initializer()) total += RawByteSize(tensor).value_or(0);
  return total;
}

void Model::DropWeightPages() const {
  for (const auto& [name, weight] : shared_) DropPages(weight);
}

void Model::DropWeightPages(std::string_view name) const {
  if (const WeightBytesView* weight = SharedWeight(name)) DropPages(*weight);
}

namespace {

void CollectNames(const GraphProto& graph, std::unordered_set<std::string>& names) {
  for (const auto& node : graph.node()) {
    names.insert(node.name());
    names.insert(node.input().begin(), node.input().end());
    names.insert(node.output().begin(), node.output().end());
  }
  for (const auto& info : graph.input()) names.insert(info.name());
  for (const auto& info : graph.output()) names.insert(info.name());
  for (const auto& info : graph.value_info()) names.insert(info.name());
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) names.insert(tensor.values().name());
}

}  // namespace

std::string Model::UniqueName(std::string_view base) {
  if (names_.empty()) {
    names_.insert("");
    CollectNames(graph(), names_);
    ForEachSubgraph(graph(), [&](const GraphProto& subgraph) { CollectNames(subgraph, names_); });
  }
  if (names_.insert(std::string(base)).second) return std::string(base);
  auto numbered = [&](int64_t number) { return fmt::format("{}_{}", base, number); };
  // In few steps even when thousands are taken: `first` is free, the number `before` is not.
  int64_t first = 1;
  while (names_.contains(numbered(first))) first *= 2;
  for (int64_t before = first / 2; first - before > 1;) {
    int64_t middle = before + (first - before) / 2;
    (names_.contains(numbered(middle)) ? before : first) = middle;
  }
  return *names_.insert(numbered(first)).first;
}

Status Model::Verify() const {
  for (const auto& tensor : graph().initializer()) {
    const WeightBytesView* shared = SharedWeight(tensor.name());
    if (shared == nullptr) continue;
    NS_ASSIGN_OR_RETURN(uint64_t expected, RawByteSize(tensor));
    if (shared->bytes.size() != expected) {
      return InvalidArgument(fmt::format("weight '{}' ({}) has {} bytes, its shape needs {}", tensor.name(), DescribeTensor(tensor),
                                         shared->bytes.size(), expected),
                             "BAD_TENSOR");
    }
  }
  return CheckStructure(*proto_);
}

}  // namespace ns
