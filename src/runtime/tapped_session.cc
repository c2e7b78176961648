#include "runtime/tapped_session.h"

#include <algorithm>
#include <numeric>

#include "graph/graph_index.h"
#include "runtime/blocked_taps.h"
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

Result<TappedSession> TappedSession::Create(const Model& model, const std::vector<std::string>& values, int threads,
                                            TapLayout layout) {
  NS_CHECK(!values.empty());
  SessionOptions options;
  options.tap_operator = true;
  options.memory_pattern = false;
  std::vector<size_t> order = LastComputedFirst(model, values);
  auto tapped = [&](Model& to, const std::vector<std::string>& read) -> Result<TappedSession> {
    std::string output;
    for (size_t i : order) output = AddTap(to, read[i], i);
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(to, options));
    return TappedSession(std::move(session), output);
  };
  // Where there is nothing to gain, or no room for the temporary file, plain layout does as well.
  if (layout == TapLayout::kFastest) {
    if (auto blocked = BlockedLayout(model, values, threads); blocked.ok()) {
      options.optimization = GraphOptimization::kNone;
      if (auto session = tapped(blocked->model, blocked->values); session.ok()) return session;
      options.optimization = GraphOptimization::kAll;
    }
  }
  Model plain = model.Clone();
  plain.mutable_graph().clear_output();
  return tapped(plain, values);
}

Status TappedSession::Run(const NamedTensors& inputs, const Tap& tap, std::stop_token stop) const {
  TapScope scope(tap);
  auto outputs = session_.Run(inputs, std::span(&output_, 1), stop);
  return scope.status().ok() ? outputs.status() : scope.status();
}

}  // namespace ns
