#include "tune/testing/simulated_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/hash.h"

namespace ns {

namespace {

constexpr double kBaseline = 0.9;
constexpr double kTolerable = 0.01;
constexpr double kMostLoss = 0.6;       // what noise can take of the accuracy
constexpr double kQuantizable = 0.9;    // share of the run
constexpr double kDynamicNoise = 0.2, kEntropyNoise = 0.5, kPerTensorNoise = 2;

double Uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

OpConfig In(OpMode mode) { return OpConfig{.mode = mode}; }

}  // namespace

SimulatedModel::SimulatedModel(const Options& options) : options_(options) {
  std::mt19937_64 random(options.seed);
  const char* types[] = {"Conv", "MatMul", "Gemm", "Add"};
  double shares = 0;
  for (int i = 0; i < options.operators; ++i) {
    SpaceOperator op;
    op.type = options.operators_in_block > 0 ? (random() % 4 == 0 ? "Add" : "MatMul") : types[random() % 4];
    op.name = fmt::format("{}_{}", op.type, i);
    if (options.operators_in_block > 0) op.block = fmt::format("layer.{}", i / options.operators_in_block);
    op.choices = {In(OpMode::kStatic)};
    if (options.dynamic && (op.type == "MatMul" || op.type == "Gemm")) op.choices.push_back(In(OpMode::kDynamic));
    op.choices.push_back(In(OpMode::kFloat));
    op.float_share = (op.type == "Add" ? 0.1 : 1) * (0.2 + Uniform(random));
    shares += op.float_share;
    space_.operators.push_back(std::move(op));
    operators_.push_back({(0.2 + Uniform(random)), std::exp(2 * Uniform(random) - 1), 0.6 + 0.2 * Uniform(random),
                          0.5 + 0.3 * Uniform(random)});
  }
  double rest = 0;
  for (const Operator& op : operators_) rest += op.noise * op.amplification;
  for (Operator& op : operators_) op.noise *= options.diffuse / rest;
  for (SpaceOperator& op : space_.operators) op.float_share *= kQuantizable / shares;
  std::vector<size_t> order(operators_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random() % left]);
  size_t harmful = std::min(order.size(), static_cast<size_t>(options.harmful));
  for (size_t i = 0; i < harmful; ++i) {
    operators_[order[i]].noise = (1.5 + 6 * Uniform(random)) / operators_[order[i]].amplification;
    harmful_.push_back(space_.operators[order[i]].name);
  }
  for (size_t i = harmful; i + 1 < order.size() && pairs_.size() < static_cast<size_t>(options.interactions); i += 2)
    pairs_.push_back({order[i], order[i + 1], 1.2 + 2 * Uniform(random)});
  if (options.calibrations) space_.calibrations.push_back(CalibrationMethod::kEntropy);
}

TuningProblem SimulatedModel::problem() const {
  AccuracyGoal goal{"accuracy", {.kind = CriterionKind::kRelative, .tolerable_loss = kTolerable}, kBaseline};
  return {.space = space_, .goals = AccuracyGoals({goal}), .objective = {}, .float_model = {{1, 1, 1}, 4'000'000, 0}, .seed = options_.seed};
}

double SimulatedModel::Error(const std::string& what) const {
  std::string digest = Sha256Hex(fmt::format("{} {}", options_.seed, what));
  std::mt19937_64 random(std::stoull(digest.substr(0, 15), nullptr, 16));
  double radius = std::sqrt(-2 * std::log(1 - Uniform(random)));
  return radius * std::cos(2 * M_PI * Uniform(random));
}

double SimulatedModel::NoiseOf(size_t op, const QuantConfig& config) const {
  const OpConfig& treatment = config.Of(space_.operators[op].name);
  double noise = operators_[op].noise * (treatment.per_channel ? 1 : kPerTensorNoise);
  switch (treatment.mode) {
    case OpMode::kStatic: return treatment.calibration == CalibrationMethod::kEntropy ? kEntropyNoise * noise : noise;
    case OpMode::kDynamic: return kDynamicNoise * noise;
    default: return 0;
  }
}

double SimulatedModel::Noise(const QuantConfig& config) const {
  double noise = 0;
  for (size_t i = 0; i < operators_.size(); ++i) noise += NoiseOf(i, config) * operators_[i].amplification;
  auto quantized = [&](size_t op) { return config.Of(space_.operators[op].name).mode != OpMode::kFloat; };
  for (const Pair& pair : pairs_)
    if (quantized(pair.first) && quantized(pair.second)) noise += pair.noise;
  return noise;
}

double SimulatedModel::Speedup(const QuantConfig& config) const {
  double time = 1;
  for (size_t i = 0; i < operators_.size(); ++i) {
    const SpaceOperator& op = space_.operators[i];
    OpMode mode = config.Of(op.name).mode;
    if (mode == OpMode::kStatic) time -= op.float_share * operators_[i].static_saving;
    if (mode == OpMode::kDynamic) time -= op.float_share * operators_[i].dynamic_saving;
  }
  return 1 / time;
}

EvaluateResult SimulatedModel::Evaluate(const QuantConfig& config) const {
  double loss = kMostLoss * (1 - std::exp(-kTolerable * Noise(config) / kMostLoss));
  loss += kTolerable * options_.evaluation_noise * Error(Canonical(config));
  EvaluateResult result{.values = {kBaseline * (1 - loss)}, .size_bytes = 1'000'000, .seconds = 1, .rows = 1000};
  if (options_.stopping && loss > kTolerable) {
    result.stopped_early = true;
    result.rows = 200;
    result.values[0] -= 0.02;  // the hard rows came first
  }
  return result;
}

RankResult SimulatedModel::Rank(const QuantConfig& config) const {
  RankResult result;
  for (size_t i = 0; i < operators_.size(); ++i) {
    const SpaceOperator& op = space_.operators[i];
    OpMode mode = config.Of(op.name).mode;
    if (mode == OpMode::kFloat) continue;
    double noise = NoiseOf(i, config) + 1e-6;
    double error = options_.measuring_noise_db * Error("rank " + op.name);
    double saving = mode == OpMode::kStatic ? operators_[i].static_saving : operators_[i].dynamic_saving;
    result.operators.push_back({op.name, 20 - 10 * std::log10(noise) + error,
                                20 - 10 * std::log10(noise * operators_[i].amplification) + error, op.float_share * saving});
  }
  return result;
}

TuningResult SimulatedModel::Do(const TuningItem& item) const {
  std::string key = KeyOf(item);
  bool evaluation = std::holds_alternative<EvaluateItem>(item);
  if (options_.failing_share > 0) {
    double chance = 0.5 * std::erfc(-Error("fail " + key) / std::sqrt(2.0));
    if (chance < options_.failing_share) return FailedResult(item, "made to fail");
  }
  if (evaluation) return Evaluate(std::get<EvaluateItem>(item).config);
  if (auto* rank = std::get_if<RankItem>(&item)) return Rank(rank->config);
  if (auto* probe = std::get_if<ProbeItem>(&item)) {
    double error = options_.measuring_noise_db * Error(key);
    return ProbeResult{.output_sqnr_db = 20 - 10 * std::log10(Noise(probe->config) + 1e-6) + error};
  }
  TimeResult result;
  for (const QuantConfig& config : std::get<TimeItem>(item).configs) {
    double speedup = Speedup(config);
    result.models.push_back({{speedup, speedup * 0.98, speedup * 1.02}, 1'000'000, 0});
  }
  return result;
}

}  // namespace ns
