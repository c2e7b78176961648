// Numbers that a program counts about itself, and their text in Prometheus' format (version 0.0.4).
//
// Counting is lock-free and never allocates; naming a number takes a lock, so name it once and keep the reference, which lives as long as
// its registry. Names, units (seconds, bytes) and "_total" follow Prometheus' conventions; docs/operations.md lists ours.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ns {

// Only grows.
class Counter {
 public:
  void Add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// How often a value fell below each of some bounds, and the sum of the values.
class Histogram {
 public:
  // `bounds` ascend; a last one without end is added.
  explicit Histogram(std::vector<double> bounds);

  // A value that is not a number, or negative, counts as 0.
  void Observe(double value);
  void Observe(std::chrono::nanoseconds time) { Observe(std::chrono::duration<double>(time).count()); }

  const std::vector<double>& bounds() const { return bounds_; }
  // How many values were at most bounds()[i]; the last entry, one more than there are bounds, counts all.
  std::vector<uint64_t> Cumulative() const;
  double sum() const { return static_cast<double>(billionths_.load(std::memory_order_relaxed)) * 1e-9; }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;  // not cumulative; the last is what exceeds all bounds
  std::atomic<uint64_t> billionths_{0};
};

// Bounds for times in seconds. A request or a commit: 0.5 ms to 5 s. A task: 0.1 s to a day.
std::vector<double> RequestSeconds();
std::vector<double> TaskSeconds();

// Label names and values, as {{"state", "done"}}.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe.
class MetricsRegistry {
 public:
  // The number of this name and these labels, made at the first call. One name has one type and, from the first call, one help text.
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds` count at the first call of a name and labels.
  Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds, const Labels& labels = {});

  // A number that is read when the text is made. Type "counter" or "gauge". Must be callable until Remove(), from any thread; may wait for
  // whoever counts, or names a number, but not Add() or Remove() readers.
  using Reader = std::function<double()>;
  int Add(const std::string& name, const std::string& help, const std::string& type, const Labels& labels, Reader reader);
  // The same for a name whose labels come and go: all its numbers at once.
  using ReaderOfMany = std::function<std::vector<std::pair<Labels, double>>()>;
  int Add(const std::string& name, const std::string& help, const std::string& type, ReaderOfMany reader);
  // After this the reader isn't called any more.
  void Remove(int reader);

  // All numbers, names in order.
  std::string Text() const;

 private:
  struct Series {
    Labels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    int reader_id = 0;
    Reader reader;
    ReaderOfMany many;
  };
  struct Family {
    std::string help, type;
    std::deque<Series> series;
  };
  static void AppendSeries(const std::string& name, const Series& series, std::string* out);
  Series& Find(const std::string& name, const std::string& help, const std::string& type, const Labels& labels);

  mutable std::mutex reading_;  // held while readers run; before mutex_, which is not: who names a number must not wait for them
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
  int last_reader_ = 0;
};

// The program's own registry.
MetricsRegistry& Metrics();

// Adds what Prometheus' clients tell of their process (CPU seconds, memory, descriptors, start time) and `neural_solution_build_info`.
void AddProcessMetrics(MetricsRegistry& registry, const std::string& version);

}  // namespace ns
