#include "runtime/tapped_session.h"

#include <algorithm>
#include <numeric>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "runtime/tap_operator.h"

namespace ns {

namespace {

// Positions of the values, the last computed first. ONNX Runtime orders nodes by a walk back from the graph's ends, beginning with the
// last that was added: taps added in this order run as soon as their value is there.
std::vector<size_t> LastComputedFirst(const Model& model, const std::vector<std::string>& values) {
  GraphIndex index(model);
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return index.Producer(values[a]) > index.Producer(values[b]); });
  return order;
}

}  // namespace

Result<TappedSession> TappedSession::Create(const Model& model, const std::vector<std::string>& values) {
  NS_CHECK(!values.empty());
  Model tapped = model.Clone();
  tapped.SetOpset(kTapDomain, 1);
  auto& graph = tapped.mutable_graph();
  graph.clear_output();
  std::string output;
  for (size_t i : LastComputedFirst(model, values)) {
    output = tapped.UniqueName("tap");
    auto& node = AddNode(graph, kTapType, {values[i]}, {output}, output);
    node.set_domain(kTapDomain);
    SetAttribute(node, kTapIndex, static_cast<int64_t>(i));
    auto* declared = graph.add_output();
    declared->set_name(output);
    auto* type = declared->mutable_type()->mutable_tensor_type();
    type->set_elem_type(static_cast<int32_t>(DType::kInt64));
    type->mutable_shape()->add_dim()->set_dim_value(1);
  }
  SessionOptions options;
  options.tap_operator = true;
  options.memory_pattern = false;
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(tapped, options));
  return TappedSession(std::move(session), output);
}

Status TappedSession::Run(const NamedTensors& inputs, const Tap& tap, std::stop_token stop) const {
  TapScope scope(tap);
  auto outputs = session_.Run(inputs, std::span(&output_, 1), stop);
  return scope.status().ok() ? outputs.status() : scope.status();
}

}  // namespace ns
