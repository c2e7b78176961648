#include "data/metrics/registry.h"

#include "data/metrics/accuracy.h"
#include "data/metrics/agreement.h"
#include "data/metrics/f1.h"
#include "data/metrics/mae.h"
#include "data/metrics/mcc.h"
#include "data/metrics/mse.h"
#include "data/metrics/pearson.h"
#include "data/metrics/perplexity.h"
#include "data/metrics/spearman.h"
#include "data/metrics/top5.h"
#include "data/names.h"

namespace ns {

namespace {

template <typename M>
std::unique_ptr<Metric> Make(const MetricOptions& options) {
  return std::make_unique<M>(options);
}

template <F1Metric::Average average>
std::unique_ptr<Metric> MakeF1(const MetricOptions& options) {
  return std::make_unique<F1Metric>(average, options);
}

}  // namespace

std::span<const MetricEntry> MetricTable() {
  static constexpr MetricEntry kTable[] = {
      {"accuracy", "share of right classes", Make<AccuracyMetric>},
      {"top5", "share of labels among the five highest scores", Make<Top5Metric>},
      {"f1", "F1 of the positive class, two classes", MakeF1<F1Metric::Average::kBinary>},
      {"f1_macro", "mean F1 of all classes", MakeF1<F1Metric::Average::kMacro>},
      {"mcc", "Matthews' correlation coefficient", Make<MccMetric>},
      {"pearson", "Pearson's correlation of outputs and labels", Make<PearsonMetric>},
      {"spearman", "Spearman's rank correlation of outputs and labels", Make<SpearmanMetric>},
      {"mse", "mean squared error", Make<MseMetric>},
      {"mae", "mean absolute error", Make<MaeMetric>},
      {"perplexity", "exp of the mean negative log likelihood of the labels", Make<PerplexityMetric>},
      {"agreement", "share of rows with the class that the fp32 model chooses; needs no labels", Make<AgreementMetric>},
  };
  return kTable;
}

Result<std::unique_ptr<Metric>> MetricByName(std::string_view name, const MetricOptions& options) {
  std::vector<std::string> known;
  for (const MetricEntry& entry : MetricTable()) {
    if (entry.name == name) return entry.make(options);
    known.emplace_back(entry.name);
  }
  return InvalidArgument(fmt::format("metric '{}' is not known; did you mean '{}'? Known: {}", name,
                                     NearestName(name, known), ListNames(known)),
                         "UNKNOWN_METRIC");
}

}  // namespace ns
