#include "quantize/testing/bench.h"

#include <cmath>
#include <numeric>
#include <random>

#include "data/array_data_set.h"
#include "quantize/prepare.h"
#include "runtime/session.h"

namespace ns {

std::unique_ptr<DataSet> RandomRows(const Model& model, Shape shape, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Tensor tensor(DType::kFloat, std::move(shape));
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  auto inputs = model.inputs();
  return ArrayDataSet::Create({{inputs[0].name, tensor}}, inputs, {}).value();
}

std::vector<int64_t> AllRows(const DataSet& data) {
  std::vector<int64_t> rows(static_cast<size_t>(data.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<float> RunModel(const Model& model, const DataSet& data) {
  Session session = Session::FromModel(model).value();
  std::vector<float> all;
  for (int64_t row : AllRows(data)) {
    Batch batch = data.Read(std::vector<int64_t>{row}).value();
    auto outputs = session.Run(batch.inputs);
    if (!outputs.ok()) {
      ADD_FAILURE() << outputs.status().ToString();
      return all;
    }
    auto values = (*outputs)[0].values<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

double SqnrDb(const std::vector<float>& exact, const std::vector<float>& other) {
  double signal = 0, noise = 0;
  EXPECT_EQ(exact.size(), other.size());
  for (size_t i = 0; i < std::min(exact.size(), other.size()); ++i) {
    signal += static_cast<double>(exact[i]) * exact[i];
    noise += (static_cast<double>(exact[i]) - other[i]) * (static_cast<double>(exact[i]) - other[i]);
  }
  return 10 * std::log10(signal / noise);
}

Model Prepared(Model model) {
  NullProgress progress;
  return PrepareModel(std::move(model), progress).value();
}

}  // namespace ns
