#include "tune/strategies/inquiry.h"

#include <limits>

namespace ns {

Result<bool> Inquiry::Holds(const QuantConfig& config, const std::string& label) {
  const Trial* trial = history_.Find(config);
  if (trial != nullptr && trial->result) return trial->accepted;
  auto assumed = assumed_.find(Canonical(config));
  if (assumed != assumed_.end()) return assumed->second;
  wanted_.push_back(EvaluateItem{config, label});
  return NotKnown();
}

Result<std::vector<double>> Inquiry::OutputSqnr(const std::vector<QuantConfig>& configs) {
  std::vector<double> found;
  for (const QuantConfig& config : configs) {
    const ProbeResult* probe = history_.FindProbe(config);
    if (probe == nullptr) {
      wanted_.push_back(ProbeItem{config});
    } else {
      found.push_back(probe->failure.empty() ? probe->output_sqnr_db : -std::numeric_limits<double>::infinity());
    }
  }
  if (found.size() < configs.size()) return NotKnown();
  return found;
}

Result<double> Inquiry::OutputSqnr(const QuantConfig& config) {
  NS_ASSIGN_OR_RETURN(auto all, OutputSqnr(std::vector{config}));
  return all[0];
}

Result<std::vector<OperatorScore>> Inquiry::Rank(const QuantConfig& config) {
  const RankResult* rank = history_.FindRank(config);
  if (rank != nullptr) return rank->operators;
  wanted_.push_back(RankItem{config});
  return NotKnown();
}

Result<std::vector<std::vector<OperatorScore>>> Inquiry::Errors(const std::vector<QuantConfig>& configs) {
  std::vector<std::vector<OperatorScore>> found;
  for (const QuantConfig& config : configs) {
    const RankResult* errors = history_.FindErrors(config);
    if (errors == nullptr) {
      wanted_.push_back(RankItem{config, false});
    } else {
      found.push_back(errors->operators);
    }
  }
  if (found.size() < configs.size()) return NotKnown();
  return found;
}

Result<std::vector<double>> Inquiry::Gains(const std::vector<QuantConfig>& configs) {
  TimeItem missing;
  std::vector<double> gains;
  for (const QuantConfig& config : configs) {
    const MeasuredModel* model = history_.FindModel(config);
    if (model == nullptr) {
      missing.configs.push_back(config);
    } else {
      gains.push_back(model->speed.speedup > 0 ? history_.Gain(*model) : 0);
    }
  }
  if (missing.configs.empty()) return gains;
  wanted_.push_back(std::move(missing));
  return NotKnown();
}

}  // namespace ns
