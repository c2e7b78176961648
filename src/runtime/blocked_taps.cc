#include "runtime/blocked_taps.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "runtime/memory.h"
#include "runtime/session.h"
#include "runtime/numbered_weights.h"
#include "runtime/tap_operator.h"

namespace ns {

namespace {

constexpr char kBlockedDomain[] = "com.microsoft.nchwc";
// A multiple of every block ONNX Runtime uses: then no channel is there only to fill a block.
constexpr int64_t kWholeBlocks = 16;

// Operators whose result has the rank of their first input, among those that follow convolutions.
constexpr std::array<std::string_view, 16> kKeepRank = {
    "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Add", "Mul", "Sum", "Concat", "MaxPool", "AveragePool",
    "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"};

// Values of rank 4 that come from convolutions; what else has that rank gains nothing.
std::unordered_set<std::string> Images(const Model& model) {
  std::unordered_set<std::string> images;
  for (const auto& node : model.graph().node()) {
    if (!node.domain().empty() || node.input_size() == 0 || node.output_size() == 0) continue;
    bool image = std::find(kKeepRank.begin(), kKeepRank.end(), node.op_type()) != kKeepRank.end() && images.contains(node.input(0));
    if (node.op_type() == "Conv") {
      auto weight = model.WeightSpec(node.input(1));
      image = weight.ok() && weight->shape.size() == 4;
    }
    if (image) images.insert(node.output(0));
  }
  return images;
}

bool IsBlocked(const ns_onnx::NodeProto* node, std::string_view type) {
  return node != nullptr && node->domain() == kBlockedDomain && node->op_type() == type;
}

// Each value gets a reader: GlobalMaxPool for images, a tap for the others.
class Marker {
 public:
  explicit Marker(const Model& model) : model_(model.Clone()), images_(Images(model)) { model_.mutable_graph().clear_output(); }
  Model& model() { return model_; }

  std::string Mark(const std::string& value) {
    if (!images_.contains(value)) return AddTap(model_, value, 0);
    any_image_ = true;
    std::string mark = model_.UniqueName("mark");
    AddNode(model_.mutable_graph(), "GlobalMaxPool", {value}, {mark}, mark);
    auto* output = model_.mutable_graph().add_output();
    output->set_name(mark);
    output->mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int32_t>(DType::kFloat));
    return mark;
  }

  bool any_image() const { return any_image_; }

 private:
  Model model_;
  std::unordered_set<std::string> images_;
  bool any_image_ = false;
};

// From a mark in the rewritten model back to the value that is marked.
class Finder {
 public:
  explicit Finder(Model& model) : model_(model), index_(model) {}

  Result<std::string> Find(const std::string& mark) {
    const auto* node = index_.ProducerNode(mark);
    if (node == nullptr) return Unknown(mark);
    if (node->domain() == kTapDomain || (node->domain().empty() && node->op_type() == "GlobalMaxPool")) {
      gone_.insert(index_.Producer(mark));
      return node->input(0);
    }
    if (!IsBlocked(node, "ReorderOutput")) return Unknown(mark);
    const auto* pool = index_.ProducerNode(node->input(0));
    if (!IsBlocked(pool, "GlobalMaxPool")) return Unknown(mark);
    gone_.insert(index_.Producer(mark));
    gone_.insert(index_.Producer(node->input(0)));
    const std::string& value = pool->input(0);
    const auto* maker = index_.ProducerNode(value);
    if (IsBlocked(maker, "ReorderInput")) return BeforeReorder(value, *maker);
    if (IntAttribute(*node, "channels", 0) % kWholeBlocks == 0 && FindAttribute(*node, "channels") != nullptr) return value;
    return Plain(value, *node);
  }

  void Finish() {
    auto& graph = model_.mutable_graph();
    RemoveNodes(graph, gone_);
    for (auto& node : added_) *graph.add_node() = std::move(node);
    graph.clear_output();
  }

 private:
  static Status Unknown(const std::string& mark) {
    return Internal(fmt::format("ONNX Runtime rewrote '{}' in a way that is not known", mark), "LAYOUT_UNKNOWN");
  }

  // Only the marker wanted it blocked, unless others read it too.
  std::string BeforeReorder(const std::string& value, const ns_onnx::NodeProto& reorder) {
    if (index_.Uses(value).size() == 1) gone_.insert(index_.Producer(value));
    return reorder.input(0);
  }

  // Some channels only fill a block: the value in plain layout.
  std::string Plain(const std::string& value, const ns_onnx::NodeProto& reorder) {
    ns_onnx::NodeProto node = reorder;
    node.set_name(model_.UniqueName("plain"));
    node.set_input(0, value);
    node.set_output(0, node.name());
    added_.push_back(std::move(node));
    return added_.back().output(0);
  }

  Model& model_;
  GraphIndex index_;
  std::unordered_set<int> gone_;
  std::vector<ns_onnx::NodeProto> added_;
};

// The model as ONNX Runtime rewrites it, in `folder`.
Result<Model> Rewritten(const Model& model, const std::filesystem::path& folder) {
  SessionOptions options;
  options.save_optimized_to = folder / "model.onnx";
  options.save_weights_beside = true;
  options.tap_operator = true;
  NS_RETURN_IF_ERROR(Session::FromModel(model, options).status());
  ReleaseFreeMemory();
  LoadOptions load;
  load.check = false;  // the checker doesn't know ONNX Runtime's own operators
  return Model::Load(options.save_optimized_to, load);
}

}  // namespace

Result<BlockedModel> BlockedLayout(const Model& model, const std::vector<std::string>& values, int threads) {
  Marker marker(model);
  std::vector<std::string> marks;
  for (const std::string& value : values) marks.push_back(marker.Mark(value));
  if (!marker.any_image()) return FailedPrecondition("no value comes from a convolution of images", "NOTHING_BLOCKED");
  NumberedWeights numbered(marker.model());
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-layout-"));
  NS_ASSIGN_OR_RETURN(Model rewritten, Rewritten(marker.model(), folder.path()));
  BlockedModel blocked{std::move(folder), std::move(rewritten), {}};
  Finder finder(blocked.model);
  for (const std::string& mark : marks) {
    NS_ASSIGN_OR_RETURN(std::string value, finder.Find(mark));
    blocked.values.push_back(std::move(value));
  }
  finder.Finish();
  NS_RETURN_IF_ERROR(numbered.Restore(model, blocked.model, threads));
  NS_RETURN_IF_ERROR(blocked.model.MoveWeightsToTemporaryFile());
  return blocked;
}

}  // namespace ns
