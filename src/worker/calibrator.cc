#include "worker/calibrator.h"

#include <algorithm>
#include <array>

namespace ns {

namespace {

// Histograms that one of these needs serve them all.
constexpr std::array kByHistogram = {CalibrationMethod::kEntropy, CalibrationMethod::kPercentile, CalibrationMethod::kMse};

bool NeedsHistogram(CalibrationMethod method) {
  return std::find(kByHistogram.begin(), kByHistogram.end(), method) != kByHistogram.end();
}

}  // namespace

Calibrator::Need Calibrator::NeedOf(const QuantConfig& config) {
  Need need;
  auto add = [&](const OpConfig& op) {
    if (op.mode == OpMode::kStatic) need.methods.insert(op.calibration);
  };
  add(config.defaults);
  for (const auto& [name, op] : config.operators) add(op);
  need.channels = config.smooth_quant.has_value() || config.equalize || config.bias_correction;
  return need;
}

bool Calibrator::Serves(const Need& told, const QuantConfig& config) {
  Need need = NeedOf(config);
  bool methods = std::includes(told.methods.begin(), told.methods.end(), need.methods.begin(), need.methods.end());
  return methods && (told.channels || !need.channels);
}

bool Calibrator::Covers(const QuantConfig& config) const { return Serves(kept_, config); }

std::vector<CalibrationShard> Calibrator::Begin(std::span<const QuantConfig> configs, int shares) {
  NS_CHECK(!under_way());
  coming_ = kept_;
  for (const QuantConfig& config : configs) {
    Need need = NeedOf(config);
    coming_.methods.merge(need.methods);
    coming_.channels = coming_.channels || need.channels;
  }
  CalibrationOptions options;
  options.methods.assign(coming_.methods.begin(), coming_.methods.end());
  if (std::any_of(coming_.methods.begin(), coming_.methods.end(), NeedsHistogram)) coming_.methods.insert(kByHistogram.begin(), kByHistogram.end());
  options.channels = coming_.channels;
  options.batch_size = batch_size_;
  int64_t batches = (rows_ + batch_size_ - 1) / batch_size_;
  int64_t parts = std::clamp<int64_t>(shares, 1, std::max<int64_t>(batches, 1));
  std::vector<CalibrationShard> shards;
  for (int64_t part = 0; part < parts; ++part) {
    int64_t begin = batches * part / parts, end = batches * (part + 1) / parts;
    options.first_batch = begin;
    shards.push_back({options, begin * batch_size_, std::min(end * batch_size_, rows_) - begin * batch_size_});
  }
  merged_ = {};
  missing_ = shards.size();
  return shards;
}

void Calibrator::Take(Statistics part) {
  NS_CHECK(under_way());
  merged_.Merge(std::move(part));
  if (--missing_ > 0) return;
  kept_ = coming_;
  statistics_ = std::make_shared<Statistics>(std::move(merged_));
  knowledge_ = std::make_shared<Knowledge>(Knowledge{statistics_, {}});
}

void Calibrator::GiveUp() { missing_ = 0; }

}  // namespace ns
