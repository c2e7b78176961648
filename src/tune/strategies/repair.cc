#include "tune/strategies/repair.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tune/strategies/recipes.h"

namespace ns {

namespace {

constexpr double kLeastSaving = 0.01;  // share of the run; less is noise of the profile
constexpr double kMostOfTheNoise = 3;  // dB that go with an operator that makes half of it
constexpr double kHopeless = 3;        // dB below which outputs are noise, whatever was gained

double Noise(const OperatorScore& score) {
  double db = std::isnan(score.effect_db) ? score.sqnr_db : score.effect_db;
  if (std::isnan(db)) return std::numeric_limits<double>::infinity();
  return std::pow(10, -db / 10);
}

double Harm(const OperatorScore& score) {
  if (std::isnan(score.saved_share)) return Noise(score);
  return Noise(score) / std::max(score.saved_share, kLeastSaving);
}

std::string CountLabel(const std::string& label, int count, const char* where) {
  return fmt::format("{}, {} operator{} {}", label, count, count == 1 ? "" : "s", where);
}

class Repairer {
 public:
  Repairer(Inquiry& ask, const Repairable& model) : ask_(ask), model_(model) {}

  Result<std::vector<QuantConfig>> Run() {
    NS_ASSIGN_OR_RETURN(bool enough, HoldsWithEndsInFloat());
    if (!enough) {
      NS_ASSIGN_OR_RETURN(auto scores, ask_.Rank(model_.config));
      ranking_ = MostHarmfulFirst(std::move(scores));
      passes_ = static_cast<int>(ranking_.size());  // all of them in float is as good as fp32, which holds
      NS_RETURN_IF_ERROR(Bisect());
    }
    if (!found_.empty()) NS_RETURN_IF_ERROR(Return());
    return found_;
  }

 private:
  // The usual culprits, for three probes where a ranking takes one for each operator: the first operator, the last, both. Evaluated where they make most
  // of the noise.
  Result<bool> HoldsWithEndsInFloat() {
    if (in_int4_) return false;
    const std::vector<std::string> ends = EndOperators(problem().space, model_.config.defaults.mode);
    if (ends.empty()) return false;
    std::vector<QuantConfig> configs(4, model_.config);  // as it is, first, last, both
    for (size_t end : {size_t{0}, size_t{1}}) {
      configs[1 + end].SetMode(ends[end], OpMode::kFloat);
      configs[3].SetMode(ends[end], OpMode::kFloat);
    }
    if (!Worth(configs[1]) && !Worth(configs[2])) return false;
    NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(configs));
    for (size_t i : {1, 2, 3})
      if (!Worth(configs[i])) sqnr[i] = -std::numeric_limits<double>::infinity();
    size_t best = sqnr[2] > sqnr[1] ? 2 : 1;
    if (sqnr[3] >= sqnr[best] + kMostOfTheNoise) best = 3;
    if (!(sqnr[best] >= std::max(sqnr[0] + kMostOfTheNoise, kHopeless))) return false;
    const char* labels[] = {"", "first operator in float", "last operator in float", "first and last operator in float"};
    NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(configs[best], model_.label + ", " + labels[best]));
    if (!holds) return false;
    for (size_t end : {size_t{0}, size_t{1}})
      if (best == end + 1 || best == 3) ranking_.push_back({ends[end], sqnr[0] - sqnr[end + 1], std::nan(""), std::nan("")});
    passes_ = static_cast<int>(ranking_.size());
    found_ = {configs[best]};
    return true;
  }

  // Where few operators make most of the noise, they alone are the likely answer: the least count with 90 % of it.
  int FirstCount() const {
    double total = 0;
    for (const OperatorScore& score : ranking_) total += Noise(score);
    double sum = 0;
    int count = 0, all = static_cast<int>(ranking_.size());
    for (const OperatorScore& score : ranking_) {
      sum += Noise(score);
      ++count;
      if (sum >= 0.9 * total) break;
    }
    return count > 0 && count < all ? count : all / 2;
  }

  // The first `count` given up: to float, or from weights in 4 bits to 8 where that can be, which few models notice.
  QuantConfig Give(int count) const {
    QuantConfig config = model_.config;
    for (int i = 0; i < count; ++i) GiveUp(ranking_[static_cast<size_t>(i)].name, &config);
    return config;
  }

  void GiveUp(const std::string& name, QuantConfig* config) const {
    const SpaceOperator* op = in_int4_ ? Find(name) : nullptr;
    const OpConfig* softer = op == nullptr ? nullptr : op->FirstWith(OpMode::kWeightOnly);
    if (softer == nullptr) return config->SetMode(name, OpMode::kFloat);
    config->operators[name] = *softer;
  }

  std::string Label(int count, const char* more = "") const {
    return CountLabel(model_.label, count, (std::string(in_int4_ ? "in int8" : "in float") + more).c_str());
  }

  // Whether what is left after giving up `count` can still be worth having.
  bool Worth(const QuantConfig& config) const {
    double predicted = model_.gain * Speedup(config) / Speedup(model_.config);
    return problem().objective.WorthMore(predicted, std::max(model_.best_gain, 1.0) / kOptimism);
  }

  Status Bisect() {
    bool first = true;
    while (passes_ - fails_ > 1) {
      if (!Worth(Give(fails_ + 1))) return OkStatus();
      int count = first ? FirstCount() : fails_ + (passes_ - fails_) / 2;
      first = false;
      NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(Give(count), Label(count)));
      if (holds) {
        passes_ = count;
        found_ = {Give(count)};
      } else {
        fails_ = count;
      }
    }
    return OkStatus();
  }

  // What was given up may return, where that can give more speed.
  Status Return() {
    QuantConfig dynamic = Give(passes_);
    int returned = 0;
    for (int i = 0; i < passes_; ++i) {
      const SpaceOperator* op = Find(ranking_[static_cast<size_t>(i)].name);
      const OpConfig* choice = op == nullptr ? nullptr : op->FirstWith(OpMode::kDynamic);
      if (choice == nullptr || model_.config.Of(op->name).mode == OpMode::kDynamic) continue;
      dynamic.operators[op->name] = *choice;
      ++returned;
    }
    if (returned > 0 && !in_int4_ && problem().try_dynamic && Gains(dynamic)) {
      NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(dynamic, CountLabel(model_.label, returned, "dynamic")));
      if (holds) {
        found_.push_back(dynamic);
        return OkStatus();
      }
    }
    return ReturnHalf();
  }

  Status ReturnHalf() {
    if (passes_ < 2) return OkStatus();
    std::vector<OperatorScore> given(ranking_.begin(), ranking_.begin() + passes_);
    std::stable_sort(given.begin(), given.end(), [](const OperatorScore& a, const OperatorScore& b) { return Noise(a) > Noise(b); });
    QuantConfig config = model_.config;
    int kept = passes_ / 2;
    for (int i = 0; i < kept; ++i) GiveUp(given[static_cast<size_t>(i)].name, &config);
    if (Canonical(config) == Canonical(Give(kept))) return OkStatus();  // bisection was there
    if (!Gains(config)) return OkStatus();
    NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(config, Label(kept, ", chosen again")));
    if (holds) found_.push_back(config);
    return OkStatus();
  }

  // Whether `config` promises enough more than the one that holds.
  bool Gains(const QuantConfig& config) const {
    return problem().objective.WorthMore(Speedup(config), Speedup(found_.back()));
  }

  const SpaceOperator* Find(const std::string& name) const {
    for (const SpaceOperator& op : problem().space.operators)
      if (op.name == name) return &op;
    return nullptr;
  }

  const TuningProblem& problem() const { return ask_.history().problem(); }
  double Speedup(const QuantConfig& config) const { return PredictSpeedup(problem().space, model_.timed, config); }

  static constexpr double kOptimism = 1.1;  // predictions may be off by this much

  Inquiry& ask_;
  const Repairable& model_;
  const bool in_int4_ = model_.config.defaults.mode == OpMode::kWeightOnlyInt4;
  std::vector<OperatorScore> ranking_;
  int fails_ = 0, passes_ = 0;  // so many in float are not enough, are enough
  std::vector<QuantConfig> found_;
};

}  // namespace

std::vector<OperatorScore> MostHarmfulFirst(std::vector<OperatorScore> scores) {
  std::stable_sort(scores.begin(), scores.end(),
                   [](const OperatorScore& a, const OperatorScore& b) { return Harm(a) > Harm(b); });
  return scores;
}

Result<std::vector<QuantConfig>> FindFewestInFloat(Inquiry& ask, const Repairable& model) {
  return Repairer(ask, model).Run();
}

}  // namespace ns
