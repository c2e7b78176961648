// One operator in a report: what was decided about it and why, and the figures behind that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ns {

// Counts of values in neighbouring bins of one width: bin i covers [low + i * bin_width, low + (i + 1) * bin_width).
struct HistogramReport {
  double low = 0;
  double bin_width = 0;
  std::vector<int64_t> counts;  // at most 32

  bool operator==(const HistogramReport&) const = default;
};

// What some rows showed of a value that an operator reads or makes.
struct ActivationReport {
  std::string value;                      // its name in the prepared model
  double min = 0, max = 0;                // of all that was seen
  std::optional<double> low, high;        // what its integers stand for; none: in float, or by each input's own range at run time
  std::string calibration;                // the method that found low and high; "" is left out
  std::optional<double> outside;          // share of values beyond low and high, 0 to 1
  std::optional<double> channel_ratio;    // reach (largest magnitude) of the widest channel in units of the median channel's
  std::optional<double> tail_ratio;       // reach of all in units of the reach of the 99.9 % nearest to 0
  std::optional<HistogramReport> histogram;

  bool operator==(const ActivationReport&) const = default;
};

struct WeightReport {
  double absmax = 0;
  int64_t channels = 0;      // output channels
  double channel_ratio = 1;  // reach of the widest in units of the narrowest that is not all 0

  bool operator==(const WeightReport&) const = default;
};

// A lower figure in dB is a greater harm; one that is infinite (no error at all) is left out.
struct OperatorReport {
  std::string name;
  std::string type;      // "MatMul"
  std::string decision;  // "int8 static", "int8 dynamic", "int8 weights", "float"
  std::string why;
  std::optional<double> sqnr_db;              // signal to quantization noise of its output, its inputs being exact
  std::optional<double> latency_share;        // of the packaged model's run, 0 to 1; 0: merged into another operator
  std::optional<double> effect_db = {};       // signal to noise of the model's outputs when it alone is quantized, also where it stayed in float
  bool effect_shared = false;                 // effect_db is its part of what its block did; false is left out
  std::optional<double> float_latency_share = {};  // of the fp32 model's run
  std::optional<ActivationReport> input = {}, output = {};
  std::optional<WeightReport> weight = {};
  std::string advice = "";                    // what could be done about its harm; "" is left out

  bool operator==(const OperatorReport&) const = default;
};

// The most harmful first: by effect_db, then by sqnr_db; those without either last, in their order.
void SortByHarm(std::vector<OperatorReport>* operators);

// The array `operators` of report.json.
std::string OperatorsToJson(const std::vector<OperatorReport>& operators);
// Reads that back, as ParseReport() would; none: not a JSON array.
std::optional<std::vector<OperatorReport>> OperatorsFromJson(std::string_view json);

}  // namespace ns
