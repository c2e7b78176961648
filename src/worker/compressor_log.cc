#include "worker/compressor_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace ns {

namespace {

// The text after `mark`; none when it is not there.
std::optional<std::string_view> After(std::string_view line, std::string_view mark) {
  size_t at = line.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  return line.substr(at + mark.size());
}

// The first number after `name` and the ':' that follows it: "Duration (seconds) (int8|fp32): 0.32|0.67".
std::optional<double> NumberOf(std::string_view list, std::string_view name) {
  auto rest = After(list, name);
  size_t colon = rest ? rest->find(':') : std::string_view::npos;
  if (colon == std::string_view::npos) return std::nullopt;
  std::string text(rest->substr(colon + 1, 64));
  char* end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  return end != text.c_str() && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

// "[Accuracy: a, Duration (seconds): b]..."
std::optional<CompressorResult> ResultIn(std::string_view text) {
  size_t end = text.find(']');
  if (!text.starts_with("[Accuracy") || end == std::string_view::npos) return std::nullopt;
  auto accuracy = NumberOf(text.substr(0, end), "Accuracy");
  if (!accuracy) return std::nullopt;
  return CompressorResult{*accuracy, NumberOf(text.substr(0, end), "Duration (seconds)").value_or(0)};
}

// A path ends its line, with a full stop behind it.
std::string PathIn(std::string_view text) {
  size_t end = text.find_last_not_of(" \t\r\n");
  std::string path(text.substr(0, end == std::string_view::npos ? 0 : end + 1));
  if (path.ends_with('.')) path.pop_back();
  return path;
}

bool Meets(const CompressorResult& trial, double baseline, const CriterionSpec& criterion) {
  double loss = criterion.higher_is_better.value_or(true) ? baseline - trial.accuracy : trial.accuracy - baseline;
  double limit = criterion.tolerable_loss * (criterion.relative ? std::abs(baseline) : 1);
  return loss <= limit + 1e-12;
}

}  // namespace

CompressorLog::Line CompressorLog::Read(std::string_view line) {
  if (auto text = After(line, "FP32 baseline is: ")) {
    auto baseline = ResultIn(*text);
    if (!baseline) return Line::kOther;
    // Another tuning begins: what the script keeps is the last one's.
    baseline_ = baseline;
    trials_.clear();
    return Line::kBaseline;
  }
  for (const char* mark : {"Save quantized model to ", "Save config file and weights of quantized model to "}) {
    auto text = After(line, mark);
    if (!text) continue;
    saved_ = PathIn(*text);
    return Line::kSaved;
  }
  auto rest = After(line, "Tune ");
  auto text = rest ? After(*rest, " result is: ") : std::nullopt;
  auto result = text ? ResultIn(*text) : std::nullopt;
  CompressorTrial trial;
  if (!result || std::from_chars(rest->data(), rest->data() + rest->size(), trial.index).ec != std::errc()) return Line::kOther;
  trial.result = *result;
  if (auto best = After(*text, "Best tune result is: ")) {
    names_best_ = true;
    trial.best = ResultIn(*best);
  }
  trials_.push_back(trial);
  return Line::kTrial;
}

std::optional<CompressorTrial> CompressorLog::Best(const CriterionSpec& criterion) const {
  if (trials_.empty()) return std::nullopt;
  if (names_best_) {
    const auto& best = trials_.back().best;
    if (!best) return std::nullopt;
    auto same = [&](const CompressorTrial& trial) { return trial.result.accuracy == best->accuracy && trial.result.seconds == best->seconds; };
    auto found = std::find_if(trials_.begin(), trials_.end(), same);
    return found != trials_.end() ? *found : CompressorTrial{trials_.back().index, *best, best};
  }
  std::optional<CompressorTrial> fastest;
  for (const CompressorTrial& trial : trials_) {
    if (!baseline_ || !Meets(trial.result, baseline_->accuracy, criterion)) continue;
    if (!fastest || trial.result.seconds < fastest->result.seconds) fastest = trial;
  }
  return fastest;
}

}  // namespace ns
