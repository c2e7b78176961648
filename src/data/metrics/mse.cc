#include "data/metrics/mse.h"

#include "data/metrics/regression.h"

namespace ns {

Result<std::vector<RowScore>> MseMetric::Score(const TensorView& output, const TensorView& target) const {
  NS_ASSIGN_OR_RETURN(RegressionPairs pairs, MatchRegression(output, target));
  std::vector<RowScore> scores(static_cast<size_t>(pairs.rows), RowScore{0, static_cast<double>(pairs.per_row)});
  for (size_t i = 0; i < pairs.output.size(); ++i) {
    double e = pairs.output[i] - pairs.target[i];
    scores[i / static_cast<size_t>(pairs.per_row)].sum += e * e;
  }
  return scores;
}

}  // namespace ns
