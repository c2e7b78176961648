#include "tune/strategies/conservative.h"

#include <algorithm>

#include "tune/strategies/choice_grid.h"
#include "tune/strategies/inquiry.h"

namespace ns {

namespace {

int PriorityOf(const std::string& type) {
  if (type.find("Conv") != std::string::npos) return 0;
  if (type.find("MatMul") != std::string::npos) return 1;
  return type == "Gemm" ? 2 : 3;
}

std::vector<std::string> TypesOf(const TuningSpace& space) {
  std::vector<std::string> types;
  for (const SpaceOperator& op : space.operators)
    if (std::find(types.begin(), types.end(), op.type) == types.end()) types.push_back(op.type);
  std::stable_sort(types.begin(), types.end(),
                   [](const std::string& a, const std::string& b) { return PriorityOf(a) < PriorityOf(b); });
  return types;
}

class Search {
 public:
  explicit Search(Inquiry& ask) : ask_(ask), problem_(ask.history().problem()), space_(problem_.space) {}

  Status Run() {
    treatments_.assign(space_.operators.size(), Effective(OpConfig{.mode = OpMode::kFloat}));
    std::vector<OpMode> modes;
    if (problem_.try_static) modes.push_back(OpMode::kStatic);
    if (problem_.try_dynamic) modes.push_back(OpMode::kDynamic);
    for (const std::string& type : TypesOf(space_))
      for (OpMode mode : modes) {
        NS_ASSIGN_OR_RETURN(bool held, Try(type, mode));
        if (held) break;
      }
    return OkStatus();
  }

 private:
  Result<bool> Try(const std::string& type, OpMode mode) {
    std::vector<OpConfig> more = treatments_;
    bool any = false;
    for (size_t i = 0; i < more.size(); ++i) {
      const OpConfig* choice = space_.operators[i].type == type ? space_.operators[i].FirstWith(mode) : nullptr;
      if (choice == nullptr) continue;
      more[i] = *choice;
      any = true;
    }
    if (!any) return false;
    std::string label = fmt::format("{}{}{} {}", label_, label_.empty() ? "" : ", ", type, OpModeName(mode));
    NS_ASSIGN_OR_RETURN(bool held, ask_.Holds(Assemble(space_, more), label));
    if (!held) return false;
    treatments_ = std::move(more);
    label_ = std::move(label);
    return true;
  }

  Inquiry& ask_;
  const TuningProblem& problem_;
  const TuningSpace& space_;
  std::vector<OpConfig> treatments_;  // of what holds, by operator
  std::string label_;
};

}  // namespace

std::vector<Proposal> Conservative::Propose(const TuningHistory& history, int count) {
  return Inquiry::Plan(history, count, [](Inquiry& ask) { return Search(ask).Run(); });
}

}  // namespace ns
