#include "runtime/ort_evaluator.h"

#include "runtime/session.h"

namespace ns {

Result<std::vector<Tensor>> OrtEvaluator::Evaluate(const Model& model) {
  SessionOptions options;
  options.optimization = GraphOptimization::kNone;
  options.memory_arena = false;                       // results live long; an arena would keep all intermediates with them
  options.config["session.disable_prepacking"] = "1";  // each node runs once
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model, options));
  return session.Run({});
}

}  // namespace ns
