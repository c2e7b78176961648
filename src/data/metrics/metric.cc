#include "data/metrics/metric.h"

namespace ns {

Result<size_t> ChooseOutput(std::span<const TensorSpec> outputs, std::string_view wanted,
                            std::vector<std::string>* guesses) {
  std::string_view name = wanted.empty() ? "logits" : wanted;
  std::string names;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name == name) {
      if (wanted.empty() && outputs.size() > 1) guesses->push_back("the metric reads the model's output 'logits'");
      return i;
    }
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", outputs[i].name);
  }
  if (outputs.empty()) return NotFound("the model has no outputs", "UNKNOWN_OUTPUT");
  if (!wanted.empty()) {
    return NotFound(fmt::format("the model has no output '{}'; it has {}", wanted, names), "UNKNOWN_OUTPUT");
  }
  if (outputs.size() > 1) {
    guesses->push_back(fmt::format("the metric reads the model's first output '{}' of {}", outputs[0].name, names));
  }
  return size_t{0};
}

}  // namespace ns
