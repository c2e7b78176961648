#include "data/metrics/perplexity.h"

#include <algorithm>
#include <cmath>

#include "data/metrics/class_scores.h"

namespace ns {

namespace {

double NegativeLogLikelihood(std::span<const float> logits, int64_t label) {
  double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return std::log(sum) + highest - logits[static_cast<size_t>(label)];
}

}  // namespace

Status PerplexityMetric::Update(const TensorView& output, const TensorView& target) {
  Result<ClassPredictions> match = ClassPredictions::Match(output, target, options_.ignore_label);
  if (!match.ok()) return match.status().WithContext("metric perplexity");
  if (match->classes() == 0) {
    return InvalidArgument("metric perplexity: the output holds classes, logits are needed", "SHAPE_MISMATCH");
  }
  double nll = 0;
  double positions = 0;
  for (int64_t row = 0; row < match->rows(); ++row) {
    for (int64_t position = 0; position + options_.label_shift < match->positions(); ++position) {
      if (!match->counts(row, position + options_.label_shift)) continue;
      nll += NegativeLogLikelihood(match->scores(row, position), match->label(row, position + options_.label_shift));
      positions += 1;
    }
  }
  if (!std::isfinite(nll)) {
    return InvalidArgument("metric perplexity: the model's output gives a label probability 0 or is not a number",
                           "NON_FINITE_OUTPUT");
  }
  nll_ += nll;
  positions_ += positions;
  return OkStatus();
}

Result<double> PerplexityMetric::value() const {
  if (positions_ == 0) {
    return FailedPrecondition("metric perplexity has seen no position with a label that counts", "NO_DATA");
  }
  return std::exp(nll_ / positions_);
}

Status PerplexityMetric::MergeState(std::span<const double> state) {
  if (state.size() != 2 || !std::isfinite(state[0]) || !std::isfinite(state[1]) || state[0] < 0 || state[1] < 0) {
    return InvalidArgument("metric perplexity: these numbers are not likelihood and count", "BAD_METRIC_STATE");
  }
  nll_ += state[0];
  positions_ += state[1];
  return OkStatus();
}

}  // namespace ns
