// The categorical space that bayesian, tpe, random and exhaustive choose from: dimensions with a few options each.
//
// A dimension is an operator, or where there are too many of them a group: the operators of one type in one block, then
// those of neighbouring blocks. An operator that lacks the option chosen for its group takes its first of that mode, else
// float. The model as a whole has dimensions too: the calibration method, where several are allowed, and each of WholeModelRecipes().
//
// Unlike Intel Neural Compressor, whose strategies of these names never leave an operator in float, float is an option of every
// dimension: without it many models have no configuration that holds the accuracy.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tune/tuning_history.h"

namespace ns {

// The configuration that gives each operator of the space this treatment, in the order of the operators. Its text is the same for the same
// treatments, and for uniform ones that of TuningSpace::Uniform(): the defaults have the mode that most quantized operators
// have, and the calibration method if all static operators share one.
QuantConfig Assemble(const TuningSpace& space, const std::vector<OpConfig>& treatments);

// "static, 3 operators dynamic, 1 operator in float" (what most operators have comes first), for people.
std::string Describe(const TuningSpace& space, const QuantConfig& config);

struct ChoiceDimension {
  std::string label;               // "layer.3 MatMul", "conv1", "calibration"
  std::vector<size_t> operators;   // places in TuningSpace::operators; none: of the whole model
  std::vector<OpConfig> options;   // of operators: the usual one first, float last
  std::vector<CalibrationMethod> methods = {};           // of the calibration
  std::function<void(QuantConfig&)> recipe = nullptr;  // of a recipe: not applied, applied

  bool whole_model() const { return operators.empty(); }
  size_t size() const { return recipe ? 2 : whole_model() ? methods.size() : options.size(); }
};

// A place in the grid: the option of each dimension.
using GridPoint = std::vector<size_t>;

class ChoiceGrid {
 public:
  // Keeps a reference to problem.space. At most `most` dimensions of operators, but at least one a type. Modes that the problem does not allow are left out; weights
  // alone in 8 bits are an option where size or memory count, or nothing else is possible.
  ChoiceGrid(const TuningProblem& problem, size_t most);

  const std::vector<ChoiceDimension>& dimensions() const { return dimensions_; }
  // Number of points, in floating point for it may be huge. 0: nothing can be quantized.
  double size() const;
  GridPoint first() const { return GridPoint(dimensions_.size(), 0); }
  // Every operator in float.
  GridPoint all_float() const;
  bool IsFloat(const GridPoint& point) const;

  QuantConfig Config(const GridPoint& point) const;
  // Where a configuration lies; none: not on the grid.
  std::optional<GridPoint> PointOf(const QuantConfig& config) const;
  // A random one: how likely a dimension is left in float is drawn first, so that few and many in float are as likely.
  GridPoint Draw(std::mt19937_64& random) const;

 private:
  void AddOperators(size_t most);
  void AddWholeModel();
  std::vector<OpConfig> OptionsOf(const std::vector<size_t>& operators) const;
  bool Allowed(OpMode mode) const;
  OpConfig Treatment(size_t op, const OpConfig& option) const;
  std::optional<size_t> OptionIn(const ChoiceDimension& dimension, const QuantConfig& config, CalibrationMethod method) const;
  const ChoiceDimension* calibration() const;
  CalibrationMethod MethodOf(const GridPoint& point) const;
  std::optional<GridPoint> PointWith(const QuantConfig& config, size_t method) const;

  const TuningSpace& space_;
  CalibrationMethod usual_method_;
  bool static_, dynamic_, weights_;
  std::vector<ChoiceDimension> dimensions_;  // of operators, then the recipes, then the calibration
};

// All points of a grid, each once: those that differ from first() in fewer dimensions come first.
class GridWalk {
 public:
  explicit GridWalk(const ChoiceGrid& grid);
  // The next one; none: there are no more.
  std::optional<GridPoint> Next();

 private:
  bool Advance();

  GridPoint first_;
  std::vector<size_t> free_, sizes_;      // dimensions with more than one option, and how many
  std::vector<size_t> chosen_, options_;  // of free_ those that differ, ascending, and their options
  bool begun_ = false;
};

// A number below `limit` (at least 1). Not a std:: distribution, whose results differ from library to library.
inline size_t Below(std::mt19937_64& random, size_t limit) { return static_cast<size_t>(random() % limit); }
// The generator of the `index`-th thing to be drawn with `seed`: different ones are independent.
std::mt19937_64 RandomFor(uint64_t seed, uint64_t index);

}  // namespace ns
