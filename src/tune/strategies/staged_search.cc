#include "tune/strategies/staged_search.h"

#include "tune/strategies/recipes.h"

namespace ns {

namespace {

constexpr double kLeastStep = 0.5;   // dB that one type's other treatment must gain
constexpr double kLeastTotal = 1.0;  // dB that are worth a full evaluation

struct Candidate {
  QuantConfig config;
  std::string label;
  double sqnr_db = 0;
};

class Stages {
 public:
  Stages(Inquiry& ask, Impact impact) : ask_(ask), problem_(ask.history().problem()), space_(problem_.space), impact_(impact) {}

  Status Run() {
    OpMode first = MainMode();
    if (first == OpMode::kFloat) return OkStatus();
    NS_ASSIGN_OR_RETURN(bool held, TryMode(first));
    if (first == OpMode::kStatic && problem_.try_dynamic && space_.CountWith(OpMode::kDynamic) > 0) {
      NS_ASSIGN_OR_RETURN(bool dynamic_held, Evaluate({space_.Uniform(OpMode::kDynamic), "dynamic"}));
      if (dynamic_held) failed_.pop_back();
    }
    if (held) return OkStatus();
    NS_ASSIGN_OR_RETURN(std::vector<Candidate> bases, NearestOfEachMode());
    for (const Candidate& base : bases) {
      NS_ASSIGN_OR_RETURN(Candidate treated, TryEachRecipe(base, &held));
      if (!held) NS_RETURN_IF_ERROR(FallBack(treated));
    }
    return OkStatus();
  }

 private:
  OpMode MainMode() const {
    if (problem_.try_static && space_.CountWith(OpMode::kStatic) > 0) return OpMode::kStatic;
    if (problem_.try_dynamic && space_.CountWith(OpMode::kDynamic) > 0) return OpMode::kDynamic;
    for (OpMode mode : {OpMode::kWeightOnly, OpMode::kWeightOnlyInt4})
      if (space_.CountWith(mode) > 0) return mode;
    return OpMode::kFloat;
  }

  // Stages I to III.
  Result<bool> TryMode(OpMode mode) {
    Candidate usual{space_.Uniform(mode), std::string(OpModeName(mode))};
    NS_ASSIGN_OR_RETURN(bool held, Evaluate(usual));
    if (held) return true;
    std::vector<Candidate> others = TypeWise(mode);
    std::vector<ModelRecipe> recipes = RecipesFor(space_, mode);
    Candidate all{usual.config, usual.label + ", all recipes"};
    for (const ModelRecipe& recipe : recipes) recipe.apply(all.config);
    std::vector<QuantConfig> configs = {usual.config, all.config};
    for (const Candidate& other : others) configs.push_back(other.config);
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(configs));
    double reached = sqnr[0];
    if (sqnr[1] >= reached + kLeastTotal) {
      NS_ASSIGN_OR_RETURN(held, Evaluate(all));
      if (held) return true;
      reached = sqnr[1];
    }
    for (size_t i = 0; i < others.size(); ++i) others[i].sqnr_db = sqnr[i + 2] - sqnr[0];
    return TryTogether(usual, others, reached);
  }

  // Each type's other treatments, the rest of the model in `mode` as usual. The label begins with the type.
  std::vector<Candidate> TypeWise(OpMode mode) {
    std::vector<Candidate> found;
    types_.clear();
    for (const SpaceOperator& op : space_.operators) {
      if (op.FirstWith(mode) == nullptr || std::find(types_.begin(), types_.end(), op.type) != types_.end()) continue;
      types_.push_back(op.type);
      for (const OpConfig& treatment : OthersOf(op, mode)) {
        Candidate other{space_.Uniform(mode), OtherLabel(op, treatment)};
        Apply(op.type, treatment, &other.config);
        treatment_of_[other.label] = {op.type, treatment};
        found.push_back(std::move(other));
      }
    }
    return found;
  }

  std::vector<OpConfig> OthersOf(const SpaceOperator& op, OpMode mode) const {
    OpConfig usual = *op.FirstWith(mode);
    std::vector<OpConfig> others;
    for (const OpConfig& choice : op.choices)
      if (choice.mode == mode && choice != usual) others.push_back(choice);
    if (mode != OpMode::kStatic) return others;
    for (CalibrationMethod method : space_.calibrations) {
      OpConfig other = usual;
      other.calibration = method;
      if (other != usual && std::find(others.begin(), others.end(), other) == others.end()) others.push_back(other);
    }
    return others;
  }

  std::string OtherLabel(const SpaceOperator& op, const OpConfig& treatment) const {
    const OpConfig& usual = *op.FirstWith(treatment.mode);
    std::string label = op.type;
    if (treatment.calibration != usual.calibration) label += fmt::format(" {}", CalibrationMethodName(treatment.calibration));
    if (treatment.per_channel != usual.per_channel) label += treatment.per_channel ? " per channel" : " per tensor";
    if (treatment.block != usual.block) label += fmt::format(" blocks of {}", treatment.block);
    if (treatment.zero_points != usual.zero_points) label += treatment.zero_points ? " with zero points" : " without zero points";
    return label;
  }

  void Apply(const std::string& type, const OpConfig& treatment, QuantConfig* config) const {
    for (const SpaceOperator& op : space_.operators)
      if (op.type == type && op.FirstWith(treatment.mode) != nullptr) config->operators[op.name] = treatment;
  }

  // Stage III: of each type the treatment that gained most.
  Result<bool> TryTogether(const Candidate& usual, const std::vector<Candidate>& others, double reached) {
    Candidate together = usual;
    for (const std::string& type : types_) {
      const Candidate* best = nullptr;
      for (const Candidate& other : others) {
        if (treatment_of_[other.label].first != type || !(other.sqnr_db >= kLeastStep)) continue;
        if (best == nullptr || other.sqnr_db > best->sqnr_db) best = &other;
      }
      if (best == nullptr) continue;
      Apply(type, treatment_of_[best->label].second, &together.config);
      together.label += ", " + best->label;
    }
    if (Canonical(together.config) == Canonical(usual.config)) return false;
    NS_ASSIGN_OR_RETURN(double sqnr, ask_.OutputSqnr(together.config));
    return sqnr >= reached + kLeastTotal ? Evaluate(together) : Result<bool>(false);
  }

  // Of what failed, static and dynamic, what is nearest to fp32, the nearer one first.
  Result<std::vector<Candidate>> NearestOfEachMode() {
    std::vector<QuantConfig> configs;
    for (const Candidate& one : failed_) configs.push_back(one.config);
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(configs));
    for (size_t i = 0; i < failed_.size(); ++i) failed_[i].sqnr_db = sqnr[i];
    std::vector<Candidate> sorted = failed_, nearest;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Candidate& a, const Candidate& b) { return a.sqnr_db > b.sqnr_db; });
    for (Candidate& one : sorted) {
      auto same_mode = [&](const Candidate& other) { return other.config.defaults.mode == one.config.defaults.mode; };
      if (std::none_of(nearest.begin(), nearest.end(), same_mode)) nearest.push_back(std::move(one));
    }
    return nearest;
  }

  // Stage IV: `base` with the recipe that helps most, if that is worth an evaluation; else `base`.
  Result<Candidate> TryEachRecipe(const Candidate& base, bool* held) {
    *held = false;
    std::vector<Candidate> tried;
    std::vector<QuantConfig> configs;
    for (const ModelRecipe& recipe : RecipesFor(space_, base.config.defaults.mode)) {
      Candidate one{base.config, base.label + ", " + recipe.label};
      recipe.apply(one.config);
      if (Canonical(one.config) == Canonical(base.config)) continue;
      configs.push_back(one.config);
      tried.push_back(std::move(one));
    }
    if (tried.empty()) return base;
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(configs));
    size_t best = static_cast<size_t>(std::max_element(sqnr.begin(), sqnr.end()) - sqnr.begin());
    if (!(sqnr[best] >= base.sqnr_db + kLeastTotal)) return base;
    NS_ASSIGN_OR_RETURN(*held, Evaluate(tried[best]));
    return tried[best];
  }

  // Stages V and VI.
  Status FallBack(const Candidate& base) {
    NS_ASSIGN_OR_RETURN(auto order, MostHarmfulOf(ask_, base.config, impact_));
    int most = static_cast<int>(order.size());
    while (most > 0 && !WorthEvaluating(problem_, GiveUp(base.config, order, most))) --most;
    return LeastThatHolds(most, [&](int count) {
             return ask_.Holds(GiveUp(base.config, order, count), GiveUpLabel(base.label, count));
           }).status();
  }

  Result<bool> Evaluate(Candidate candidate) {
    failed_.push_back(std::move(candidate));
    return ask_.Holds(failed_.back().config, failed_.back().label);
  }

  Inquiry& ask_;
  const TuningProblem& problem_;
  const TuningSpace& space_;
  Impact impact_;
  std::vector<std::string> types_;
  std::map<std::string, std::pair<std::string, OpConfig>> treatment_of_;  // by label
  std::vector<Candidate> failed_;  // evaluated, in this order
};

}  // namespace

Status SearchInStages(Inquiry& ask, Impact impact) { return Stages(ask, impact).Run(); }

}  // namespace ns
