#include "report/histogram_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/markup.h"

namespace ns {

namespace {

constexpr double kPanelWidth = 128, kTop = 3, kBase = 44;

bool HasHistogram(const std::optional<ActivationReport>& one) {
  return one && one->histogram && !one->histogram->counts.empty() && std::isfinite(one->histogram->low) &&
         std::isfinite(one->histogram->bin_width) && one->histogram->bin_width > 0;
}

// One panel, its left edge at `left`.
class Panel {
 public:
  Panel(const ActivationReport& values, std::string_view label, double left) : values_(values), label_(label), left_(left) {
    const HistogramReport& histogram = *values.histogram;
    from_ = std::min(histogram.low, values.low.value_or(histogram.low));
    double end = histogram.low + histogram.bin_width * static_cast<double>(histogram.counts.size());
    to_ = std::max(end, values.high.value_or(end));
    if (!std::isfinite(from_) || !std::isfinite(to_)) from_ = histogram.low, to_ = end;
  }

  std::string Svg() const { return Band() + Bars() + Labels(); }

 private:
  double X(double value) const { return left_ + (value - from_) / (to_ - from_) * kPanelWidth; }

  std::string Bars() const {
    const HistogramReport& histogram = *values_.histogram;
    int64_t most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
    std::string path;
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      if (histogram.counts[i] <= 0) continue;
      double height = std::log1p(static_cast<double>(histogram.counts[i])) / std::log1p(static_cast<double>(most)) * (kBase - kTop);
      double low = histogram.low + histogram.bin_width * static_cast<double>(i);
      double width = std::max(X(low + histogram.bin_width) - X(low) - 0.5, 0.5);
      path += fmt::format("M{} {}v-{}h{}v{}z", Coordinate(X(low)), kBase, Coordinate(height), Coordinate(width), Coordinate(height));
    }
    return fmt::format("<path class=\"bins\" d=\"{}\"/><path class=\"axis\" d=\"M{} {}h{}\"/>", path, Coordinate(left_), kBase, kPanelWidth);
  }

  std::string Band() const {
    if (!values_.low || !values_.high || !std::isfinite(*values_.low) || !std::isfinite(*values_.high)) return "";
    double low = X(*values_.low), high = X(*values_.high);
    return fmt::format("<rect class=\"band\" x=\"{0}\" y=\"0\" width=\"{1}\" height=\"{2}\"/><path class=\"clip\" d=\"M{0} 0v{2}M{3} 0v{2}\"/>",
                       Coordinate(low), Coordinate(std::max(high - low, 0.0)), kBase, Coordinate(high));
  }

  std::string Labels() const {
    return fmt::format("<text x=\"{}\" y=\"57\">{} {}</text><text class=\"end\" x=\"{}\" y=\"57\">{}</text>", Coordinate(left_), label_,
                       Short(values_.min), Coordinate(left_ + kPanelWidth), Short(values_.max));
  }

  const ActivationReport& values_;
  std::string_view label_;
  double left_, from_ = 0, to_ = 1;
};

std::string InWords(std::string_view what, const ActivationReport& one) {
  std::string text = fmt::format("{} {} to {}", what, Short(one.min), Short(one.max));
  if (one.low && one.high) {
    text += fmt::format(", quantized {} to {}", Short(*one.low), Short(*one.high));
    if (!one.calibration.empty()) text += fmt::format(" ({})", one.calibration);
  }
  return text;
}

}  // namespace

std::string HistogramSvg(const OperatorReport& one, const std::string& attributes) {
  std::string panels, words;
  if (HasHistogram(one.input)) {
    panels += Panel(*one.input, "in", 0).Svg();
    words += InWords("input", *one.input);
  }
  if (HasHistogram(one.output)) {
    panels += Panel(*one.output, "out", kHistogramWidth - kPanelWidth).Svg();
    words += (words.empty() ? "" : "; ") + InWords("output", *one.output);
  }
  if (panels.empty()) return "";
  return fmt::format("<svg class=\"histogram\" viewBox=\"0 0 {} {}\" role=\"img\"{}{}><title>{}</title>{}</svg>", kHistogramWidth, kHistogramHeight,
                     attributes.empty() ? "" : " ", attributes, EscapeMarkup(words), panels);
}

}  // namespace ns
