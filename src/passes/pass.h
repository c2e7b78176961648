// One rewrite of a model.
#pragma once

#include <string_view>

#include "base/progress.h"
#include "base/status.h"
#include "graph/constant_evaluator.h"
#include "graph/model.h"

namespace ns {

struct PassContext {
  ConstantEvaluator* evaluator = nullptr;  // computes constants; null: passes that need it change nothing
  ProgressSink* progress = nullptr;        // hears of what a pass could not do; null: nobody
};

class Pass {
 public:
  virtual ~Pass() = default;
  // "fold-constants": unique, by which it is switched off.
  virtual std::string_view name() const = 0;
  // Rewrites the model without changing its inputs, its outputs or what it computes (up to rounding). Returns how many places changed;
  // 0 means that the model is as before. After an error the model is still valid, but may be rewritten in part.
  virtual Result<int> Run(Model& model, const PassContext& context) = 0;
};

}  // namespace ns
