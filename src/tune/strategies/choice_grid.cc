#include "tune/strategies/choice_grid.h"

#include <algorithm>
#include <array>
#include <map>

#include "tune/strategies/recipes.h"

namespace ns {

namespace {

using Group = std::vector<size_t>;

// Groups of one type and block, in the order of their first operators; an operator without a block stays alone.
std::vector<Group> ByTypeAndBlock(const TuningSpace& space) {
  std::vector<Group> groups;
  std::map<std::pair<std::string, std::string>, size_t> place;
  for (size_t i = 0; i < space.operators.size(); ++i) {
    const SpaceOperator& op = space.operators[i];
    if (op.block.empty()) {
      groups.push_back({i});
      continue;
    }
    auto [found, added] = place.emplace(std::pair(op.type, op.block), groups.size());
    if (added) groups.emplace_back();
    groups[found->second].push_back(i);
  }
  return groups;
}

// Joins neighbours in pairs, of the type with the most groups, until there are at most `most` or one a type.
void Join(const TuningSpace& space, size_t most, std::vector<Group>* groups) {
  while (groups->size() > most) {
    std::map<std::string, std::vector<size_t>> by_type;
    for (size_t i = 0; i < groups->size(); ++i) by_type[space.operators[(*groups)[i][0]].type].push_back(i);
    auto largest = std::max_element(by_type.begin(), by_type.end(),
                                    [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    const std::vector<size_t>& places = largest->second;
    if (places.size() < 2) return;
    for (size_t i = 0; i + 1 < places.size(); i += 2) {
      Group& second = (*groups)[places[i + 1]];
      (*groups)[places[i]].insert((*groups)[places[i]].end(), second.begin(), second.end());
      second.clear();
    }
    std::erase_if(*groups, [](const Group& group) { return group.empty(); });
  }
}

std::string LabelOf(const TuningSpace& space, const Group& group) {
  const SpaceOperator& op = space.operators[group[0]];
  if (group.size() == 1) return op.name;
  return (op.block.empty() ? op.name : op.block) + " " + op.type;
}

OpMode MostCommonMode(const TuningSpace& space, const std::vector<OpConfig>& treatments) {
  std::array<int, kOpModes> counts{};
  for (const OpConfig& one : treatments) ++counts[static_cast<size_t>(one.mode)];
  OpMode most = OpMode::kFloat;
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic, OpMode::kWeightOnly, OpMode::kWeightOnlyInt4})
    if (counts[static_cast<size_t>(mode)] > (most == OpMode::kFloat ? 0 : counts[static_cast<size_t>(most)])) most = mode;
  return most == OpMode::kFloat ? space.base.defaults.mode : most;
}

}  // namespace

QuantConfig Assemble(const TuningSpace& space, const std::vector<OpConfig>& treatments) {
  NS_CHECK(treatments.size() == space.operators.size());
  QuantConfig config = space.base;
  config.defaults.mode = MostCommonMode(space, treatments);
  std::optional<CalibrationMethod> method;
  bool shared = true;
  for (const OpConfig& one : treatments) {
    if (one.mode != OpMode::kStatic) continue;
    shared = shared && (!method || *method == one.calibration);
    method = one.calibration;
  }
  if (method && shared) config.defaults.calibration = *method;
  for (size_t i = 0; i < treatments.size(); ++i) {
    OpConfig one = treatments[i];
    if (one.mode != OpMode::kStatic) one.calibration = config.defaults.calibration;  // means nothing there
    if (one.mode == OpMode::kFloat) {
      config.SetMode(space.operators[i].name, OpMode::kFloat);
    } else if (one != config.defaults) {
      config.operators[space.operators[i].name] = one;
    }
  }
  return config;
}

std::string Describe(const TuningSpace& space, const QuantConfig& config) {
  std::array<int, kOpModes> counts{};
  for (const SpaceOperator& op : space.operators) ++counts[static_cast<size_t>(config.Of(op.name).mode)];
  size_t main = static_cast<size_t>(config.defaults.mode);
  std::string text(OpModeName(config.defaults.mode));
  if (config.defaults.calibration != space.base.defaults.calibration)
    text += fmt::format(", {}", CalibrationMethodName(config.defaults.calibration));
  if (config.smooth_quant) text += fmt::format(", smoothed {:.2f}", config.smooth_quant->alpha);
  if (config.equalize) text += ", equalized";
  if (config.bias_correction) text += ", biases corrected";
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic, OpMode::kWeightOnly, OpMode::kWeightOnlyInt4, OpMode::kFloat}) {
    int count = counts[static_cast<size_t>(mode)];
    if (count == 0 || static_cast<size_t>(mode) == main) continue;
    text += fmt::format(", {} operator{} {}", count, count == 1 ? "" : "s", mode == OpMode::kFloat ? "in float" : OpModeName(mode));
  }
  return text;
}

ChoiceGrid::ChoiceGrid(const TuningProblem& problem, size_t most)
    : space_(problem.space),
      usual_method_(space_.calibrations.empty() ? space_.base.defaults.calibration : space_.calibrations[0]),
      static_(problem.try_static),
      dynamic_(problem.try_dynamic) {
  bool integers = (static_ && space_.CountWith(OpMode::kStatic) > 0) || (dynamic_ && space_.CountWith(OpMode::kDynamic) > 0);
  weights_ = problem.objective.size > 0 || problem.objective.memory > 0 || !integers;
  AddOperators(most);
  AddWholeModel();
}

bool ChoiceGrid::Allowed(OpMode mode) const {
  switch (mode) {
    case OpMode::kFloat: return true;
    case OpMode::kStatic: return static_;
    case OpMode::kDynamic: return dynamic_;
    case OpMode::kWeightOnly: return weights_;
    case OpMode::kWeightOnlyInt4: return weights_ || (static_ && dynamic_);  // the space offers it where it gains
  }
  return false;
}

std::vector<OpConfig> ChoiceGrid::OptionsOf(const std::vector<size_t>& operators) const {
  std::vector<OpConfig> options;
  for (size_t op : operators)
    for (const OpConfig& choice : space_.operators[op].choices) {
      if (choice.mode == OpMode::kFloat || !Allowed(choice.mode)) continue;
      if (std::find(options.begin(), options.end(), choice) == options.end()) options.push_back(choice);
    }
  options.push_back(Effective(OpConfig{.mode = OpMode::kFloat}));
  return options;
}

void ChoiceGrid::AddOperators(size_t most) {
  std::vector<Group> groups;
  if (space_.operators.size() <= most) {
    for (size_t i = 0; i < space_.operators.size(); ++i) groups.push_back({i});
  } else {
    groups = ByTypeAndBlock(space_);
    Join(space_, most, &groups);
  }
  for (Group& group : groups) {
    std::vector<OpConfig> options = OptionsOf(group);
    if (options.size() < 2) continue;  // in float whatever is chosen
    dimensions_.push_back({LabelOf(space_, group), std::move(group), std::move(options)});
  }
}

void ChoiceGrid::AddWholeModel() {
  if (dimensions_.empty()) return;
  bool any_static = false;
  for (const ChoiceDimension& dimension : dimensions_)
    for (const OpConfig& option : dimension.options) any_static = any_static || option.mode == OpMode::kStatic;
  for (ModelRecipe& recipe : WholeModelRecipes(space_)) dimensions_.push_back({recipe.label, {}, {}, {}, std::move(recipe.apply)});
  if (any_static && space_.calibrations.size() > 1) dimensions_.push_back({"calibration", {}, {}, space_.calibrations});
}

const ChoiceDimension* ChoiceGrid::calibration() const {
  return dimensions_.empty() || dimensions_.back().methods.empty() ? nullptr : &dimensions_.back();
}

double ChoiceGrid::size() const {
  double size = dimensions_.empty() ? 0 : 1;
  for (const ChoiceDimension& dimension : dimensions_) size *= static_cast<double>(dimension.size());
  return size;
}

GridPoint ChoiceGrid::all_float() const {
  GridPoint point = first();
  for (size_t i = 0; i < point.size(); ++i)
    if (!dimensions_[i].whole_model()) point[i] = dimensions_[i].size() - 1;
  return point;
}

bool ChoiceGrid::IsFloat(const GridPoint& point) const {
  for (size_t i = 0; i < point.size(); ++i)
    if (!dimensions_[i].whole_model() && point[i] + 1 < dimensions_[i].size()) return false;
  return true;
}

OpConfig ChoiceGrid::Treatment(size_t op, const OpConfig& option) const {
  const SpaceOperator& one = space_.operators[op];
  if (std::find(one.choices.begin(), one.choices.end(), option) != one.choices.end()) return option;
  const OpConfig* alike = one.FirstWith(option.mode);
  return alike != nullptr ? *alike : Effective(OpConfig{.mode = OpMode::kFloat});
}

CalibrationMethod ChoiceGrid::MethodOf(const GridPoint& point) const {
  return calibration() == nullptr ? usual_method_ : calibration()->methods[point.back()];
}

QuantConfig ChoiceGrid::Config(const GridPoint& point) const {
  NS_CHECK(point.size() == dimensions_.size());
  std::vector<OpConfig> treatments(space_.operators.size(), Effective(OpConfig{.mode = OpMode::kFloat}));
  for (size_t i = 0; i < point.size(); ++i)
    for (size_t op : dimensions_[i].operators) {
      treatments[op] = Treatment(op, dimensions_[i].options[point[i]]);
      // An operator that was given a method of its own keeps it.
      if (calibration() != nullptr && treatments[op].calibration == usual_method_) treatments[op].calibration = MethodOf(point);
    }
  QuantConfig config = Assemble(space_, treatments);
  for (size_t i = 0; i < point.size(); ++i)
    if (dimensions_[i].recipe && point[i] == 1) dimensions_[i].recipe(config);
  return config;
}

std::optional<size_t> ChoiceGrid::OptionIn(const ChoiceDimension& dimension, const QuantConfig& config,
                                           CalibrationMethod method) const {
  for (size_t option = 0; option < dimension.size(); ++option) {
    bool all = true;
    for (size_t op : dimension.operators) {
      OpConfig wanted = Treatment(op, dimension.options[option]);
      OpConfig found = config.Of(space_.operators[op].name);
      if (wanted.mode != OpMode::kStatic || wanted.calibration == usual_method_) wanted.calibration = method;
      if (found.mode != OpMode::kStatic) found.calibration = method;
      all = all && Effective(wanted) == Effective(found);
    }
    if (all) return option;
  }
  return std::nullopt;
}

std::optional<GridPoint> ChoiceGrid::PointOf(const QuantConfig& config) const {
  size_t methods = calibration() == nullptr ? 1 : calibration()->size();
  for (size_t method = 0; method < methods; ++method)
    if (auto point = PointWith(config, method)) return point;
  return std::nullopt;
}

std::optional<GridPoint> ChoiceGrid::PointWith(const QuantConfig& config, size_t method) const {
  GridPoint point = first();
  if (calibration() != nullptr) point.back() = method;
  std::vector<size_t> recipes;
  for (size_t i = 0; i < point.size(); ++i) {
    if (dimensions_[i].recipe) recipes.push_back(i);
    if (dimensions_[i].whole_model()) continue;
    auto option = OptionIn(dimensions_[i], config, MethodOf(point));
    if (!option) return std::nullopt;
    point[i] = *option;
  }
  const std::string wanted = Canonical(config);
  for (size_t applied = 0; applied < size_t{1} << recipes.size(); ++applied) {
    for (size_t i = 0; i < recipes.size(); ++i) point[recipes[i]] = applied >> i & 1;
    if (Canonical(Config(point)) == wanted) return point;
  }
  return std::nullopt;
}

GridPoint ChoiceGrid::Draw(std::mt19937_64& random) const {
  GridPoint point = first();
  size_t in_float = Below(random, 1000);
  for (size_t i = 0; i < point.size(); ++i) {
    if (dimensions_[i].whole_model()) {
      point[i] = Below(random, dimensions_[i].size());
    } else if (Below(random, 1000) < in_float) {
      point[i] = dimensions_[i].size() - 1;
    } else {
      point[i] = Below(random, dimensions_[i].size() - 1);
    }
  }
  return point;
}

GridWalk::GridWalk(const ChoiceGrid& grid) : first_(grid.first()) {
  for (size_t i = 0; i < grid.dimensions().size(); ++i) {
    if (grid.dimensions()[i].size() < 2) continue;
    free_.push_back(i);
    sizes_.push_back(grid.dimensions()[i].size());
  }
}

std::optional<GridPoint> GridWalk::Next() {
  if (first_.empty() || (begun_ && !Advance())) return std::nullopt;
  begun_ = true;
  GridPoint point = first_;
  for (size_t i = 0; i < chosen_.size(); ++i) point[free_[chosen_[i]]] = options_[i];
  return point;
}

bool GridWalk::Advance() {
  for (size_t i = options_.size(); i-- > 0;) {  // other options of the same dimensions
    if (++options_[i] < sizes_[chosen_[i]]) return true;
    options_[i] = 1;
  }
  size_t count = chosen_.size();
  for (size_t i = count; i-- > 0;) {  // as many other dimensions
    if (chosen_[i] + (count - i) >= free_.size()) continue;
    ++chosen_[i];
    for (size_t j = i + 1; j < count; ++j) chosen_[j] = chosen_[j - 1] + 1;
    return true;
  }
  if (++count > free_.size()) return false;
  chosen_.resize(count);
  for (size_t i = 0; i < count; ++i) chosen_[i] = i;
  options_.assign(count, 1);
  return true;
}

std::mt19937_64 RandomFor(uint64_t seed, uint64_t index) {
  // The finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014), so that neighbouring seeds have nothing in common.
  uint64_t mixed = seed + 0x9e3779b97f4a7c15 * (index + 1);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return std::mt19937_64(mixed ^ (mixed >> 31));
}

}  // namespace ns
