#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/status.h"

namespace ns {

namespace {

// Backslash and line break, in label values the quotation mark too.
std::string Escaped(std::string_view text, bool quote) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

// {a="x",b="y"}, or nothing. `extra` comes last and needs no escaping.
std::string LabelText(const Labels& labels, const std::string& extra = "") {
  std::string text;
  for (const auto& [name, value] : labels) text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, Escaped(value, true));
  if (!extra.empty()) text += (text.empty() ? "" : ",") + extra;
  return text.empty() ? "" : "{" + text + "}";
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void AppendHistogram(const std::string& name, const Labels& labels, const Histogram& histogram, std::string* out) {
  std::vector<uint64_t> counts = histogram.Cumulative();
  for (size_t i = 0; i < counts.size(); ++i) {
    std::string bound = i < histogram.bounds().size() ? NumberText(histogram.bounds()[i]) : "+Inf";
    *out += fmt::format("{}_bucket{} {}\n", name, LabelText(labels, fmt::format("le=\"{}\"", bound)), counts[i]);
  }
  *out += fmt::format("{}_sum{} {}\n", name, LabelText(labels), NumberText(histogram.sum()));
  *out += fmt::format("{}_count{} {}\n", name, LabelText(labels), counts.back());
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  NS_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::Observe(double value) {
  if (!(value > 0)) value = 0;
  size_t bucket = static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  billionths_.fetch_add(static_cast<uint64_t>(std::min(value, 1e9) * 1e9), std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::Cumulative() const {
  std::vector<uint64_t> sums;
  uint64_t sum = 0;
  for (const auto& count : counts_) sums.push_back(sum += count.load(std::memory_order_relaxed));
  return sums;
}

std::vector<double> RequestSeconds() { return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}; }
std::vector<double> TaskSeconds() { return {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}; }

MetricsRegistry::Series& MetricsRegistry::Find(const std::string& name, const std::string& help, const std::string& type,
                                               const Labels& labels) {
  Family& family = families_[name];
  if (family.type.empty()) {
    family.type = type;
    family.help = help;
  }
  NS_CHECK(family.type == type, "{} is a {}, not a {}", name, family.type, type);
  for (Series& series : family.series) {
    if (series.labels == labels) return series;
  }
  family.series.emplace_back().labels = labels;
  return family.series.back();
}

Counter& MetricsRegistry::counter(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  Series& series = Find(name, help, "counter", labels);
  if (series.counter == nullptr) series.counter = std::make_unique<Counter>();
  return *series.counter;
}

Gauge& MetricsRegistry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  Series& series = Find(name, help, "gauge", labels);
  if (series.gauge == nullptr) series.gauge = std::make_unique<Gauge>();
  return *series.gauge;
}

Histogram& MetricsRegistry::histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                                      const Labels& labels) {
  std::lock_guard lock(mutex_);
  Series& series = Find(name, help, "histogram", labels);
  if (series.histogram == nullptr) series.histogram = std::make_unique<Histogram>(bounds);
  return *series.histogram;
}

int MetricsRegistry::Add(const std::string& name, const std::string& help, const std::string& type, const Labels& labels, Reader reader) {
  std::scoped_lock lock(reading_, mutex_);
  Series& series = Find(name, help, type, labels);
  series.reader = std::move(reader);
  return series.reader_id = ++last_reader_;
}

int MetricsRegistry::Add(const std::string& name, const std::string& help, const std::string& type, ReaderOfMany reader) {
  std::scoped_lock lock(reading_, mutex_);
  Series& series = Find(name, help, type, {});
  series.many = std::move(reader);
  return series.reader_id = ++last_reader_;
}

void MetricsRegistry::Remove(int reader) {
  std::scoped_lock lock(reading_, mutex_);
  for (auto& [name, family] : families_) {
    std::erase_if(family.series, [&](const Series& series) { return series.reader_id == reader; });
  }
}

void MetricsRegistry::AppendSeries(const std::string& name, const Series& series, std::string* out) {
  if (series.histogram != nullptr) return AppendHistogram(name, series.labels, *series.histogram, out);
  if (series.many) {
    for (const auto& [labels, value] : series.many()) *out += fmt::format("{}{} {}\n", name, LabelText(labels), NumberText(value));
    return;
  }
  double value = 0;
  if (series.reader) {
    value = series.reader();
  } else if (series.counter != nullptr) {
    value = static_cast<double>(series.counter->value());
  } else if (series.gauge != nullptr) {
    value = static_cast<double>(series.gauge->value());
  }
  *out += fmt::format("{}{} {}\n", name, LabelText(series.labels), NumberText(value));
}

std::string MetricsRegistry::Text() const {
  std::lock_guard reading(reading_);
  // What is there now; it stays where it is while `reading_` is held.
  std::vector<std::tuple<const std::string*, const Family*, std::vector<const Series*>>> there;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) {
      std::vector<const Series*> series;
      for (const Series& one : family.series) series.push_back(&one);
      if (!series.empty()) there.emplace_back(&name, &family, std::move(series));
    }
  }
  std::string out;
  for (const auto& [name, family, series] : there) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", *name, Escaped(family->help, false), *name, family->type);
    for (const Series* one : series) AppendSeries(*name, *one, &out);
  }
  return out;
}

MetricsRegistry& Metrics() {
  static MetricsRegistry& registry = *std::make_unique<MetricsRegistry>().release();  // never destroyed: threads may count until the end
  return registry;
}

}  // namespace ns
