#include "report/trial_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/markup.h"

namespace ns {

namespace {

constexpr double kWidth = 420, kHeight = 300, kLeft = 54, kRight = 14, kTop = 28, kBottom = 40;

// One axis: from values to coordinates, with a little room at both ends and round numbers for its marks.
class Scale {
 public:
  Scale(double start, double end) : start_(start), end_(end) {}

  void Take(double value) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  void Finish() {
    double span = high_ - low_;
    if (span <= 0) span = std::max(std::abs(high_) * 0.02, 1e-6);
    low_ -= span * 0.08;
    high_ += span * 0.08;
  }
  double operator()(double value) const { return start_ + (value - low_) / (high_ - low_) * (end_ - start_); }

  // Multiples of 1, 2 or 5 times a power of ten: three to seven of them.
  std::vector<double> Marks() const {
    double raw = (high_ - low_) / 4;
    double power = std::pow(10, std::floor(std::log10(raw)));
    double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
    std::vector<double> marks;
    for (double i = std::ceil(low_ / step); i * step <= high_ && marks.size() < 10; ++i) marks.push_back(i * step);
    return marks;
  }

 private:
  double start_, end_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

struct Point {
  const TrialReport* trial;
  double latency_ms, accuracy;
};

class Chart {
 public:
  Chart(const Report& report, std::string metric) : report_(report), metric_(std::move(metric)) {
    for (const TrialReport& trial : report.trials) {
      auto value = trial.metric.find(metric_);
      if (value == trial.metric.end() || !trial.latency_ms || !std::isfinite(value->second) || !std::isfinite(*trial.latency_ms)) continue;
      points_.push_back({&trial, *trial.latency_ms, value->second});
    }
    for (const GoalReport& goal : report.goals)
      if (goal.metric == metric_ && std::isfinite(goal.limit)) limit_ = goal.limit, higher_is_better_ = goal.higher_is_better;
    for (const Point& point : points_) x_.Take(point.latency_ms), y_.Take(point.accuracy);
    if (auto result = Result()) x_.Take(result->first), y_.Take(result->second);
    if (limit_) y_.Take(*limit_);
    x_.Finish();
    y_.Finish();
  }

  size_t points() const { return points_.size(); }

  std::string Svg() const {
    return fmt::format("<svg class=\"trials\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{} against latency, {} trials</title>{}</svg>", kWidth, kHeight,
                       EscapeMarkup(metric_), points_.size(), Axes() + Limit() + Front() + Points() + Packaged() + Legend());
  }

 private:
  std::optional<std::pair<double, double>> Result() const {
    auto value = report_.optimized.metric.find(metric_);
    double latency = report_.optimized.latency_ms.median;
    if (value == report_.optimized.metric.end() || !(latency > 0) || !std::isfinite(value->second) || !std::isfinite(latency)) return std::nullopt;
    return std::pair(latency, value->second);
  }

  std::string Axes() const {
    std::string svg;
    for (double mark : x_.Marks()) {
      svg += fmt::format("<path class=\"grid\" d=\"M{0} {1}V{2}\"/><text class=\"middle\" x=\"{0}\" y=\"{3}\">{4:.4g}</text>", Coordinate(x_(mark)), kTop,
                         kHeight - kBottom, kHeight - kBottom + 15, mark);
    }
    for (double mark : y_.Marks()) {
      svg += fmt::format("<path class=\"grid\" d=\"M{0} {1}H{2}\"/><text class=\"end\" x=\"{3}\" y=\"{4}\">{5:.4g}</text>", kLeft, Coordinate(y_(mark)),
                         kWidth - kRight, kLeft - 6, Coordinate(y_(mark) + 4), mark);
    }
    return svg + fmt::format("<text class=\"end\" x=\"{}\" y=\"{}\">latency, ms (less is better)</text><text x=\"4\" y=\"14\">{}</text>", kWidth - kRight,
                             kHeight - 8, EscapeMarkup(metric_));
  }

  std::string Limit() const {
    if (!limit_) return "";
    return fmt::format("<path class=\"limit\" d=\"M{0} {1}H{2}\"/><text class=\"limit end\" x=\"{2}\" y=\"{3}\">limit {4:.4g}</text>", kLeft,
                       Coordinate(y_(*limit_)), kWidth - kRight, Coordinate(y_(*limit_) + 14), *limit_);
  }

  // The set has size as a third axis: the line goes through those that nothing faster is as accurate as.
  std::string Front() const {
    std::vector<std::pair<double, double>> points;
    for (const ParetoPoint& point : report_.pareto)
      if (std::isfinite(point.latency_ms) && std::isfinite(point.accuracy)) points.emplace_back(point.latency_ms, point.accuracy);
    std::sort(points.begin(), points.end());
    std::string path;
    double best = 0;
    for (const auto& [latency, accuracy] : points) {
      if (!path.empty() && (higher_is_better_ ? accuracy <= best : accuracy >= best)) continue;
      best = accuracy;
      path += fmt::format("{}{} {}", path.empty() ? "M" : "L", Coordinate(x_(latency)), Coordinate(y_(accuracy)));
    }
    return path.find('L') == std::string::npos ? "" : fmt::format("<path class=\"front\" d=\"{}\"/>", path);
  }

  // fp32 is a square, what holds a full circle, what misses an empty one.
  std::string Points() const {
    std::string svg;
    for (const Point& point : points_) {
      double x = x_(point.latency_ms), y = y_(point.accuracy);
      std::string title = EscapeMarkup(fmt::format("trial {}, {}: {} {:.4f}, {:.3f} ms", point.trial->index, point.trial->configuration, metric_,
                                                   point.accuracy, point.latency_ms));
      if (point.trial->index == 0) {
        svg += fmt::format("<rect class=\"float\" x=\"{}\" y=\"{}\" width=\"9\" height=\"9\"><title>{}</title></rect>", Coordinate(x - 4.5), Coordinate(y - 4.5), title);
      } else {
        svg += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"><title>{}</title></circle>", point.trial->meets_criterion ? "holds" : "misses",
                           Coordinate(x), Coordinate(y), title);
      }
    }
    return svg;
  }

  std::string Packaged() const {
    auto result = Result();
    if (!result) return "";
    return fmt::format("<circle class=\"answer\" cx=\"{}\" cy=\"{}\" r=\"8\"><title>the packaged model</title></circle>", Coordinate(x_(result->first)),
                       Coordinate(y_(result->second)));
  }

  static std::string Legend() {
    return "<rect class=\"float\" x=\"152\" y=\"6\" width=\"8\" height=\"8\"/><text x=\"165\" y=\"14\">fp32</text>"
           "<circle class=\"holds\" cx=\"206\" cy=\"10\" r=\"4\"/><text x=\"215\" y=\"14\">holds</text>"
           "<circle class=\"misses\" cx=\"261\" cy=\"10\" r=\"4\"/><text x=\"270\" y=\"14\">misses</text>"
           "<circle class=\"answer\" cx=\"325\" cy=\"10\" r=\"6\"/><text x=\"337\" y=\"14\">packaged</text>";
  }

  const Report& report_;
  std::string metric_;
  std::vector<Point> points_;
  std::optional<double> limit_;
  bool higher_is_better_ = true;
  Scale x_{kLeft, kWidth - kRight}, y_{kHeight - kBottom, kTop};
};

}  // namespace

std::string TrialSvg(const Report& report) {
  std::string metric = !report.goals.empty() ? report.goals[0].metric : report.baseline.metric.empty() ? "" : report.baseline.metric.begin()->first;
  Chart chart(report, metric);
  return chart.points() < 2 ? "" : chart.Svg();
}

}  // namespace ns
