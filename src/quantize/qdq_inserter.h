// The quantized model of a plan.
#pragma once

#include "base/status.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/plan.h"
#include "quantize/qdq_writer.h"

namespace ns {

// A copy of `prepared` (weights shared) with the plan's operators quantized. `params` has an entry for each range the plan uses.
// InvalidArgument (NON_FINITE_WEIGHT) names the weight and its operator.
Result<Model> InsertQuantization(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params,
                                 const QuantConfig& config);

// A model that computes everything of `prepared` in float and beside it, from the same float inputs, each quantized operator once more
// as the plan quantizes it.
struct TwinModel {
  Model model;
  struct Pair {
    int node = 0;              // position in the prepared graph
    std::string exact, twin;   // names of the two results, both among the model's outputs
  };
  std::vector<Pair> pairs;
};
Result<TwinModel> MakeTwins(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params,
                            const QuantConfig& config);

// Declares `value` (float32) an output of the model, unless it is one.
void AddFloatOutput(Model& model, const std::string& value);

}  // namespace ns
