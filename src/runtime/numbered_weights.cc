#include "runtime/numbered_weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "base/parallel.h"
#include "graph/graph_index.h"

namespace ns {

namespace {

constexpr int64_t kMostElements = int64_t{1} << 24;  // whole numbers up to here are exact in a float
constexpr float kFirstNumber = 1 << 20;              // of a convolution: no bias is a million everywhere

std::optional<Shape> FloatShape(const Model& model, const std::string& name, size_t rank) {
  auto spec = model.WeightSpec(name);
  if (!spec.ok() || spec->dtype != DType::kFloat || spec->shape.size() != rank) return std::nullopt;
  return spec->shape;
}

Tensor Numbered(const Shape& shape) {
  Tensor tensor(DType::kFloat, shape);
  auto values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  return tensor;
}

Tensor Filled(int64_t count, float value) {
  Tensor tensor(DType::kFloat, {count});
  auto values = tensor.mutable_values<float>();
  std::fill(values.begin(), values.end(), value);
  return tensor;
}

Status Unknown(const std::string& what) { return Internal("ONNX Runtime rewrote a convolution unexpectedly: " + what, "LAYOUT_UNKNOWN"); }

// Which element of the original each element comes from, counted from 1; 0: none, filled with zero.
using Places = std::vector<uint32_t>;

// Nothing when `table` is no rearrangement of 1 to `count`, with zeros between.
std::shared_ptr<const Places> ReadPlaces(std::span<const float> table, int64_t count) {
  auto places = std::make_shared<Places>(table.size());
  std::vector<bool> seen(static_cast<size_t>(count) + 1, false);
  size_t found = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    if (!(table[i] >= 0 && table[i] <= static_cast<float>(count)) || table[i] != std::floor(table[i])) return nullptr;
    auto place = static_cast<uint32_t>(table[i]);
    if (place > 0 && seen[place]) return nullptr;
    found += place > 0 ? 1 : 0;
    seen[place] = true;
    (*places)[i] = place;
  }
  return found == static_cast<size_t>(count) ? places : nullptr;
}

void Rearrange(std::span<const float> from, const Places& places, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = places[i] == 0 ? 0.0f : from[places[i] - 1];
}

// One convolution's weight on its way.
struct Move {
  std::string weight;  // in the original
  std::string name;    // in the rewritten model
  std::string table;
  Tensor from, to;
};

// Several moves share a table.
struct Table {
  Tensor values;
  int64_t count = 0;  // elements of the weights it is for
  std::shared_ptr<const Places> places;
};

// What was read is dropped from memory on the way.
Status RearrangeAll(const Model& original, const Model& rewritten, std::map<std::string, Table>& tables, std::vector<Move>& moves, int threads) {
  std::vector<std::map<std::string, Table>::iterator> list;
  for (auto table = tables.begin(); table != tables.end(); ++table) list.push_back(table);
  auto read = [&](int, int64_t i) -> Status {
    Table& table = list[static_cast<size_t>(i)]->second;
    table.places = ReadPlaces(table.values.values<float>(), table.count);
    rewritten.DropWeightPages(list[static_cast<size_t>(i)]->first);
    return table.places == nullptr ? Unknown("a weight was changed") : OkStatus();
  };
  NS_RETURN_IF_ERROR(RunParallel(static_cast<int64_t>(list.size()), threads, read));
  auto move = [&](int, int64_t i) -> Status {
    Move& one = moves[static_cast<size_t>(i)];
    const Table& table = tables.at(one.table);
    if (one.from.count() != table.count) return Unknown(fmt::format("'{}' has another shape", one.name));
    one.to = Tensor(DType::kFloat, table.values.shape());
    Rearrange(one.from.values<float>(), *table.places, one.to.mutable_values<float>());
    original.DropWeightPages(one.weight);
    return OkStatus();
  };
  return RunParallel(static_cast<int64_t>(moves.size()), threads, move);
}

// The number that the bias stands for: in its first elements, then zeros that fill a block.
std::optional<size_t> NumberOf(const Model& model, const ns_onnx::NodeProto& node, size_t count) {
  if (node.input_size() < 3 || !FloatShape(model, node.input(2), 1)) return std::nullopt;
  auto bias = model.Weight(node.input(2));
  if (!bias.ok() || bias->count() == 0) return std::nullopt;
  auto values = bias->values<float>();
  float number = values[0] - kFirstNumber;
  if (!(number >= 0 && number < static_cast<float>(count)) || number != std::floor(number)) return std::nullopt;
  bool filled = false;
  for (float value : values) {
    filled |= value == 0;
    if (value != (filled ? 0 : values[0])) return std::nullopt;
  }
  return static_cast<size_t>(number);
}

}  // namespace

NumberedWeights::NumberedWeights(Model& model) {
  std::map<Shape, std::string> names;
  for (int n = 0; n < model.graph().node_size(); ++n) {
    const auto& node = model.graph().node(n);
    if (node.op_type() != "Conv" || !node.domain().empty()) continue;
    auto shape = FloatShape(model, node.input(1), 4);
    Convolution convolution{node.input(1), node.input_size() > 2 ? node.input(2) : ""};
    bool constant_bias = convolution.bias.empty() || FloatShape(model, convolution.bias, 1);
    if (!shape || !constant_bias || ElementCount(*shape) > kMostElements) continue;
    auto [name, added] = names.try_emplace(*shape);
    if (added) {
      name->second = model.UniqueName("numbered");
      model.SetWeight(name->second, Numbered(*shape));
    }
    std::string bias = model.UniqueName("numbered_bias");
    model.SetWeight(bias, Filled((*shape)[0], kFirstNumber + static_cast<float>(convolutions_.size())));
    auto& changed = *model.mutable_graph().mutable_node(n);
    changed.set_input(1, name->second);
    while (changed.input_size() < 3) changed.add_input();
    changed.set_input(2, bias);
    convolutions_.push_back(std::move(convolution));
  }
  GraphIndex index(model);
  model.KeepWeightsIf([&](const std::string& name) { return index.IsUsed(name); });
}

// The bias as it was, in the length that ONNX Runtime gave it; none where there was none.
Status NumberedWeights::RestoreBias(const Model& original, const Convolution& convolution, Model& rewritten, int n) const {
  auto& node = *rewritten.mutable_graph().mutable_node(n);
  if (convolution.bias.empty()) {
    node.set_input(2, "");
    while (node.input(node.input_size() - 1).empty()) node.mutable_input()->RemoveLast();
    return OkStatus();
  }
  NS_ASSIGN_OR_RETURN(Tensor bias, original.Weight(convolution.bias));
  NS_ASSIGN_OR_RETURN(TensorSpec padded, rewritten.WeightSpec(node.input(2)));
  if (bias.count() > padded.shape[0]) return Unknown(fmt::format("bias '{}' has another shape", convolution.bias));
  Tensor filled = Filled(padded.shape[0], 0);
  std::copy_n(bias.values<float>().begin(), bias.count(), filled.mutable_values<float>().begin());
  node.set_input(2, rewritten.UniqueName(convolution.bias));
  rewritten.SetWeight(node.input(2), filled);
  return OkStatus();
}

Status NumberedWeights::Restore(const Model& original, Model& rewritten, int threads) const {
  std::map<std::string, Table> tables;  // by the numbered weight
  std::vector<Move> moves;
  std::vector<bool> found(convolutions_.size(), false);
  for (int n = 0; n < rewritten.graph().node_size(); ++n) {
    auto& node = *rewritten.mutable_graph().mutable_node(n);
    auto number = NumberOf(rewritten, node, convolutions_.size());
    if (!number) continue;
    if (found[*number]) return Unknown(fmt::format("number {} is there twice", *number));
    found[*number] = true;
    const Convolution& convolution = convolutions_[*number];
    Move move{convolution.weight, rewritten.UniqueName(convolution.weight), node.input(1), {}, {}};
    NS_ASSIGN_OR_RETURN(move.from, original.Weight(convolution.weight));
    auto [table, added] = tables.try_emplace(move.table);
    if (added) {
      NS_ASSIGN_OR_RETURN(table->second.values, rewritten.Weight(move.table));
      table->second.count = move.from.count();
    }
    node.set_input(1, move.name);
    moves.push_back(std::move(move));
    NS_RETURN_IF_ERROR(RestoreBias(original, convolution, rewritten, n));
  }
  if (std::find(found.begin(), found.end(), false) != found.end()) return Unknown("one is missing");
  NS_RETURN_IF_ERROR(RearrangeAll(original, rewritten, tables, moves, threads));
  for (const Move& move : moves) rewritten.SetWeight(move.name, move.to);
  GraphIndex index(rewritten);
  rewritten.KeepWeightsIf([&](const std::string& name) { return index.IsUsed(name); });
  return OkStatus();
}

}  // namespace ns
