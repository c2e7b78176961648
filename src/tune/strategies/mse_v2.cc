#include "tune/strategies/mse_v2.h"

#include "tune/strategies/fallback.h"

namespace ns {

namespace {

constexpr size_t kLookAt = 8;  // of the ranking

class Search {
 public:
  explicit Search(Inquiry& ask) : ask_(ask), problem_(ask.history().problem()) {}

  Status Run() {
    NS_ASSIGN_OR_RETURN(std::vector<QuantConfig> forms, FormsToRepair());
    for (const QuantConfig& form : forms) {
      base_ = current_ = form;
      label_ = std::string(OpModeName(form.defaults.mode));
      given_.clear();
      NS_ASSIGN_OR_RETURN(bool held, FallBack());
      if (held) NS_RETURN_IF_ERROR(Revert());
    }
    return OkStatus();
  }

 private:
  // Those that miss the accuracy, the one whose outputs are nearest to fp32's first; none where static holds.
  Result<std::vector<QuantConfig>> FormsToRepair() {
    std::vector<QuantConfig> forms;
    bool static_held = false;
    for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
      bool allowed = mode == OpMode::kStatic ? problem_.try_static : problem_.try_dynamic;
      if (!allowed || problem_.space.CountWith(mode) == 0) continue;
      QuantConfig form = problem_.space.Uniform(mode);
      NS_ASSIGN_OR_RETURN(bool held, ask_.Holds(form, std::string(OpModeName(mode))));
      if (!held) forms.push_back(std::move(form));
      static_held = static_held || (held && mode == OpMode::kStatic);
    }
    if (static_held) forms.clear();
    if (forms.size() < 2) return forms;
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(forms));
    if (sqnr[1] > sqnr[0]) std::swap(forms[0], forms[1]);
    return forms;
  }

  Result<bool> FallBack() {
    NS_ASSIGN_OR_RETURN(left_, MostHarmfulOf(ask_, base_, Impact::kOutputs));
    for (size_t target = 1;; target *= 2) {
      while (given_.size() < target) {
        if (left_.size() < 2) return false;  // without the last one it is fp32
        NS_RETURN_IF_ERROR(GiveUpOne());
        if (!WorthEvaluating(problem_, current_)) return false;
      }
      NS_ASSIGN_OR_RETURN(bool held, ask_.Holds(current_, GiveUpLabel(label_, static_cast<int>(given_.size()))));
      if (held) return true;
    }
  }

  Status GiveUpOne() {
    std::vector<QuantConfig> without;
    for (size_t i = 0; i < std::min(kLookAt, left_.size()); ++i) {
      without.push_back(current_);
      without.back().SetMode(left_[i], OpMode::kFloat);
    }
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(without));
    auto best = std::max_element(sqnr.begin(), sqnr.end()) - sqnr.begin();
    current_ = without[static_cast<size_t>(best)];
    given_.push_back(left_[static_cast<size_t>(best)]);
    left_.erase(left_.begin() + best);
    return OkStatus();
  }

  Status Revert() {
    if (given_.size() < 2) return OkStatus();
    std::vector<QuantConfig> with;
    for (const std::string& name : given_) with.push_back(Return({name}));
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(with));
    std::vector<size_t> order(given_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sqnr[a] > sqnr[b]; });
    std::vector<std::string> returning;
    for (size_t i : order) returning.push_back(given_[i]);
    int most = static_cast<int>(given_.size()) - 1;  // all of them is what was repaired
    return LeastThatHolds(most, [&](int count) -> Result<bool> {  // the least that can't return
             NS_ASSIGN_OR_RETURN(bool held, ask_.Holds(Return({returning.begin(), returning.begin() + count}),
                                                       GiveUpLabel(label_, static_cast<int>(given_.size()) - count)));
             return !held;
           }).status();
  }

  // The repaired configuration with some of what was given up quantized again.
  QuantConfig Return(const std::vector<std::string>& names) const {
    QuantConfig config = base_;
    for (const std::string& name : given_)
      if (std::find(names.begin(), names.end(), name) == names.end()) config.SetMode(name, OpMode::kFloat);
    return config;
  }

  Inquiry& ask_;
  const TuningProblem& problem_;
  QuantConfig base_, current_;
  std::string label_;
  std::vector<std::string> left_, given_;
};

}  // namespace

std::vector<Proposal> MseV2::Propose(const TuningHistory& history, int count) {
  return Inquiry::Plan(history, count, [](Inquiry& ask) { return Search(ask).Run(); });
}

}  // namespace ns
