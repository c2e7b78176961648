#include "data/metrics/top5.h"

#include "data/metrics/class_scores.h"

namespace ns {

namespace {

// How many classes come before `label`.
int64_t RankOf(int64_t label, std::span<const float> scores) {
  float own = scores[static_cast<size_t>(label)];
  int64_t rank = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > own || (scores[i] == own && static_cast<int64_t>(i) < label)) ++rank;
  }
  return rank;
}

}  // namespace

Result<std::vector<RowScore>> Top5Metric::Score(const TensorView& output, const TensorView& target) const {
  NS_ASSIGN_OR_RETURN(ClassPredictions match, ClassPredictions::Match(output, target, ignore_label_));
  if (match.classes() == 0) {
    return InvalidArgument("the output holds classes, class scores are needed", "SHAPE_MISMATCH");
  }
  std::vector<RowScore> scores(static_cast<size_t>(match.rows()), RowScore{0, 0});
  for (int64_t row = 0; row < match.rows(); ++row) {
    RowScore& score = scores[static_cast<size_t>(row)];
    for (int64_t position = 0; position < match.positions(); ++position) {
      if (!match.counts(row, position)) continue;
      score.weight += 1;
      if (RankOf(match.label(row, position), match.scores(row, position)) < 5) score.sum += 1;
    }
  }
  return scores;
}

}  // namespace ns
