#include "data/metrics/accuracy.h"

#include "data/metrics/class_scores.h"

namespace ns {

Result<std::vector<RowScore>> AccuracyMetric::Score(const TensorView& output, const TensorView& target) const {
  NS_ASSIGN_OR_RETURN(ClassPredictions match, ClassPredictions::Match(output, target, ignore_label_));
  std::vector<RowScore> scores(static_cast<size_t>(match.rows()), RowScore{0, 0});
  for (int64_t row = 0; row < match.rows(); ++row) {
    RowScore& score = scores[static_cast<size_t>(row)];
    for (int64_t position = 0; position < match.positions(); ++position) {
      if (!match.counts(row, position)) continue;
      score.weight += 1;
      if (match.predicted(row, position) == match.label(row, position)) score.sum += 1;
    }
  }
  return scores;
}

}  // namespace ns
